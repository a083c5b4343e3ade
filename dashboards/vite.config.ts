import { defineConfig } from "vitest/config";

// `npm run dev` serves the page from its sources and passes API calls on to a running server.
const server = process.env["CLEW_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    // A build empties dist/ and copies public/ into it: public/.keep puts back dist/.keep, which Git holds so that
    // the Go package compiles before the first build.
    emptyOutDir: true,
    target: "es2022",
    // The page runs under a content security policy without inline anything.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": server } },
  test: { include: ["src/**/*.test.ts"] },
});
