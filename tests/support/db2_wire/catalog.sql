-- The columns of Db2's catalog that Spine reads, as views over Derby's. Derby reserves the name SYSCAT: see rewrites.py.
CREATE SCHEMA db2cat;
CREATE VIEW db2cat.tables (tabschema, tabname, type) AS
SELECT s.schemaname, t.tablename, t.tabletype
FROM sys.systables t JOIN sys.sysschemas s ON s.schemaid = t.schemaid;
-- Db2 names a type without length and NOT NULL.
CREATE VIEW db2cat.columns (tabschema, tabname, colname, colno, typename) AS
SELECT s.schemaname, t.tablename, c.columnname, c.columnnumber - 1,
       CASE WHEN LOCATE('(', c.typename) > 0 THEN SUBSTR(c.typename, 1, LOCATE('(', c.typename) - 1)
            WHEN LOCATE(' ', c.typename) > 0 THEN SUBSTR(c.typename, 1, LOCATE(' ', c.typename) - 1)
            ELSE c.typename END
FROM (SELECT referenceid, columnname, columnnumber, CAST(columndatatype AS VARCHAR(128)) AS typename
      FROM sys.syscolumns) c
JOIN sys.systables t ON t.tableid = c.referenceid
JOIN sys.sysschemas s ON s.schemaid = t.schemaid;
