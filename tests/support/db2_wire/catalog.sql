-- The columns of Db2's catalog that Spine reads, as views over Derby's. Derby reserves the name SYSCAT: see rewrites.py.
CREATE SCHEMA db2cat;
CREATE VIEW db2cat.tables (tabschema, tabname, type) AS
SELECT s.schemaname, t.tablename, t.tabletype
FROM sys.systables t JOIN sys.sysschemas s ON s.schemaid = t.schemaid;
-- Left to itself, Derby begins with the columns of all schemas, of which every test makes one more.
CREATE VIEW db2cat.typed_columns (tabschema, tabname, colname, colno, typename) AS
SELECT s.schemaname, t.tablename, c.columnname, c.columnnumber - 1, CAST(c.columndatatype AS VARCHAR(128))
FROM --DERBY-PROPERTIES joinOrder=FIXED
    sys.sysschemas s, sys.systables t, sys.syscolumns c
WHERE t.schemaid = s.schemaid AND c.referenceid = t.tableid;
-- Db2 names a type without length and NOT NULL.
CREATE VIEW db2cat.columns (tabschema, tabname, colname, colno, typename) AS
SELECT tabschema, tabname, colname, colno,
       CASE WHEN LOCATE('(', typename) > 0 THEN SUBSTR(typename, 1, LOCATE('(', typename) - 1)
            WHEN LOCATE(' ', typename) > 0 THEN SUBSTR(typename, 1, LOCATE(' ', typename) - 1)
            ELSE typename END
FROM db2cat.typed_columns;
