package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"clew/query"
	"clew/query/funnel"
)

func queryCommand(o *options) *cobra.Command {
	return asking(o, "query", "Ask for metrics", "/api/v1/query",
		func(ctx context.Context, q *query.Service, body []byte) (any, error) {
			request, err := query.Decode(body)
			if err != nil {
				return nil, err
			}
			return q.Metrics(ctx, request)
		})
}

func funnelCommand(o *options) *cobra.Command {
	return asking(o, "funnel", "Ask for a funnel", "/api/v1/funnels/query",
		func(ctx context.Context, q *query.Service, body []byte) (any, error) {
			request, err := funnel.Decode(body)
			if err != nil {
				return nil, err
			}
			return q.Funnel(ctx, request)
		})
}

type ask func(ctx context.Context, q *query.Service, body []byte) (any, error)

// asking is a command that takes a request as the API does, and answers from the data directory or from a server.
func asking(o *options, name, short, path string, local ask) *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use:   name + " JSON",
		Short: short,
		Long:  short + ". JSON is the request body of POST " + path + "; - reads it from standard input.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := []byte(args[0])
			if args[0] == "-" {
				var err error
				if body, err = io.ReadAll(cmd.InOrStdin()); err != nil {
					return fmt.Errorf("read the request from standard input: %w", err)
				}
			}
			if server != "" {
				return askServer(cmd.Context(), server, path, body, cmd.OutOrStdout())
			}
			return askHere(cmd.Context(), o, body, local, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&server, "server", "", "ask a running clew at this URL instead of the data directory")
	return cmd
}

func askHere(ctx context.Context, o *options, body []byte, local ask, stdout io.Writer) error {
	return withSystem(ctx, o, noKafka, func(ctx context.Context, s *system) error {
		q, err := s.newQuery()
		if err != nil {
			return err
		}
		answer, err := local(ctx, q, body)
		if err != nil {
			return err
		}
		return printJSON(stdout, answer)
	})
}

func askServer(ctx context.Context, server, path string, body []byte, stdout io.Writer) error {
	answer, err := callServer(ctx, http.MethodPost, server, path, nil, body)
	if err != nil {
		return err
	}
	return printJSON(stdout, json.RawMessage(answer))
}

// callServer returns what a running clew answers. A problem it answers with is the error.
func callServer(ctx context.Context, method, server, path string, q url.Values, body []byte) ([]byte, error) {
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || !strings.HasPrefix(base.Scheme, "http") {
		return nil, fmt.Errorf("--server %s: want a URL such as http://127.0.0.1:8080", server)
	}
	target := base.JoinPath(path)
	target.RawQuery = q.Encode()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("--server %s: %w; is `clew serve` running there?", server, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("--server %s: read the answer: %w", server, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, serverError(server, response.Status, answer)
	}
	return answer, nil
}

// serverError says what a problem+json answer says.
func serverError(server, status string, answer []byte) error {
	var p query.Problem
	if err := json.Unmarshal(answer, &p); err != nil || p.Code == "" {
		return fmt.Errorf("--server %s answered %s, which is not an answer of clew: %.200s", server, status, answer)
	}
	return &p
}

// printJSON writes an answer for people and programs alike.
func printJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		return err
	}
	pretty.WriteByte('\n')
	if _, err := pretty.WriteTo(w); err != nil {
		return fmt.Errorf("write to %s: %w", os.Stdout.Name(), err)
	}
	return nil
}
