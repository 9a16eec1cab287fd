"""What is erased is found by indexes, also by the database when it looks what still points at a row."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

# Constraints without an index that begins with their column and holds all rows that point anywhere.
WITHOUT_INDEX = """
SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
 WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'memories\\_%%' AND NOT EXISTS (
       SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) LIKE '%%IS NOT NULL%%'))"""


def test_no_row_is_deleted_by_reading_a_whole_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_INDEX, [])
        assert cursor.fetchall() == []
