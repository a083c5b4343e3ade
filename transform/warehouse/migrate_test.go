package warehouse_test

import (
	"testing"

	"clew/transform/warehouse/warehousetest"
)

func TestMigrateTwice(t *testing.T) {
	db := warehousetest.Open(t)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}
