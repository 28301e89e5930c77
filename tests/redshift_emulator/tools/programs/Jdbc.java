// Calls Amazon's JDBC driver as a tool does. Arguments: URL, user, password, file of the CA.
// Prints one line for each call: its name, a tab, the result.

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

public class Jdbc {
    interface Call {
        Object run() throws SQLException;
    }

    static void show(String name, Call call) {
        String result;
        try {
            result = String.valueOf(call.run());
        } catch (SQLException error) {
            result = "SQLException " + error.getSQLState() + " " + error.getMessage();
        } catch (RuntimeException error) {
            result = error.toString();
        }
        System.out.println(name + "\t" + result.replace('\n', ' ').replace('\t', ' '));
    }

    static List<String> read(ResultSet rows, String... columns) throws SQLException {
        List<String> lines = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                List<String> values = new ArrayList<>();
                for (String column : columns) {
                    values.add(rows.getString(column));
                }
                lines.add(String.join(":", values.stream().map(String::valueOf).toList()));
            }
        }
        return lines;
    }

    static int count(ResultSet rows) throws SQLException {
        int number = 0;
        try (rows) {
            while (rows.next()) {
                number++;
            }
        }
        return number;
    }

    static Connection connect(String url, String user, String password, String... options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        for (int place = 0; place < options.length; place += 2) {
            properties.setProperty(options[place], options[place + 1]);
        }
        return DriverManager.getConnection(url, properties);
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String user = arguments[1];
        String password = arguments[2];
        String authority = arguments[3];
        try (Connection session = connect(url, user, password, "ssl", "true", "sslmode", "verify-full", "sslrootcert", authority)) {
            tables(session);
            metadata(session.getMetaData(), session.getCatalog());
            statements(session);
        }
        show("untrusted", () -> connect(url, user, password, "ssl", "true", "sslmode", "verify-full").isClosed());
        show("no TLS", () -> {
            try (Connection session = connect(url, user, password, "ssl", "false")) {
                return session.isValid(5);
            }
        });
        show("wrong password", () -> connect(url, user, password + "x", "ssl", "false").isClosed());
    }

    static void tables(Connection session) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute("create schema jdbc");
            statement.execute(
                "create table jdbc.orders (id bigint identity(1, 1), region varchar(20) not null encode zstd, price numeric(12, 2) default 0,"
                    + " placed timestamp, seen timestamptz, day date, ok boolean, ratio float4, share float8, short_one smallint, whole integer,"
                    + " code char(3), document super, bytes varbyte(10), primary key (region, id)) distkey(region) sortkey(day, id)");
            statement.execute(
                "create table jdbc.lines (order_id bigint, region varchar(20), note varchar(100),"
                    + " foreign key (region, order_id) references jdbc.orders (region, id))");
            statement.execute("create view jdbc.totals as select region, sum(price) as price from jdbc.orders group by region");
            statement.execute("create view jdbc.late as select region from jdbc.orders with no schema binding");
            statement.execute("comment on table jdbc.orders is 'what was ordered'");
            statement.execute("comment on column jdbc.orders.price is 'in euros'");
        }
    }

    static void metadata(DatabaseMetaData data, String database) {
        show("product", () -> data.getDatabaseProductName() + " " + data.getDatabaseMajorVersion());
        show("getTables", () -> read(data.getTables(null, "jdbc", "%", null), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"));
        show("getTables of a type", () -> read(data.getTables(database, "jdbc", "%", new String[] {"VIEW"}), "TABLE_NAME"));
        show("getTables of the catalog", () -> count(data.getTables(null, "pg_catalog", "svv%", null)) > 10);
        show("getColumns", () -> read(data.getColumns(null, "jdbc", "orders", "%"),
            "COLUMN_NAME", "TYPE_NAME", "DATA_TYPE", "COLUMN_SIZE", "DECIMAL_DIGITS", "IS_NULLABLE", "COLUMN_DEF", "IS_AUTOINCREMENT"));
        show("getColumns of a late-binding view", () -> read(data.getColumns(database, "jdbc", "late", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE"));
        show("getColumns of a view", () -> read(data.getColumns(null, "jdbc", "totals", "%"), "COLUMN_NAME", "TYPE_NAME"));
        show("remarks", () -> read(data.getColumns(null, "jdbc", "orders", "price"), "REMARKS"));
        show("getPrimaryKeys", () -> read(data.getPrimaryKeys(null, "jdbc", "orders"), "TABLE_NAME", "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
        show("getImportedKeys", () -> read(data.getImportedKeys(null, "jdbc", "lines"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKCOLUMN_NAME", "KEY_SEQ"));
        show("getExportedKeys", () -> read(data.getExportedKeys(null, "jdbc", "orders"), "FKTABLE_NAME", "FKCOLUMN_NAME", "KEY_SEQ"));
        show("getCrossReference", () -> read(data.getCrossReference(null, "jdbc", "orders", null, "jdbc", "lines"), "FKCOLUMN_NAME"));
        show("getIndexInfo", () -> count(data.getIndexInfo(null, "jdbc", "orders", false, true)));
        show("getBestRowIdentifier", () -> read(data.getBestRowIdentifier(null, "jdbc", "orders", 0, true), "COLUMN_NAME"));
        show("getCatalogs", () -> read(data.getCatalogs(), "TABLE_CAT"));
        show("getSchemas", () -> read(data.getSchemas(), "TABLE_SCHEM"));
        show("getSchemas like", () -> read(data.getSchemas(null, "jd%"), "TABLE_SCHEM"));
        show("getTableTypes", () -> read(data.getTableTypes(), "TABLE_TYPE"));
        show("getTypeInfo", () -> read(data.getTypeInfo(), "TYPE_NAME").contains("super"));
        show("getTablePrivileges", () -> count(data.getTablePrivileges(null, "jdbc", "orders")) > 0);
        show("getColumnPrivileges", () -> count(data.getColumnPrivileges(null, "jdbc", "orders", "price")) > 0);
        show("getProcedures", () -> count(data.getProcedures(null, "jdbc", "%")));
        show("getProcedureColumns", () -> count(data.getProcedureColumns(null, "jdbc", "%", "%")));
        show("getFunctions", () -> count(data.getFunctions(null, "jdbc", "%")));
        show("getFunctionColumns", () -> count(data.getFunctionColumns(null, "jdbc", "%", "%")));
        show("getClientInfoProperties", () -> count(data.getClientInfoProperties()) > 0);
        show("getUDTs", () -> count(data.getUDTs(null, "jdbc", "%", null)));
        show("getSQLKeywords", () -> data.getSQLKeywords().length() > 0);
        show("getSystemFunctions", () -> data.getSystemFunctions().length() > 0);
    }

    static void statements(Connection session) throws SQLException {
        show("prepared insert", () -> {
            try (PreparedStatement insert = session.prepareStatement(
                    "insert into jdbc.orders (region, price, placed, ok, ratio, share, whole, code, document) values (?, ?, ?, ?, ?, ?, ?, ?, json_parse(?))")) {
                insert.setString(1, "süd\\'x");
                insert.setBigDecimal(2, new BigDecimal("12.30"));
                insert.setTimestamp(3, Timestamp.valueOf("2026-02-03 04:05:06.789"));
                insert.setBoolean(4, true);
                insert.setFloat(5, 0.5f);
                insert.setDouble(6, 0.25);
                insert.setInt(7, 42);
                insert.setString(8, "abc");
                insert.setString(9, "{\"a\": [1, \"x\"]}");
                return insert.executeUpdate();
            }
        });
        show("batch", () -> {
            try (PreparedStatement insert = session.prepareStatement("insert into jdbc.lines (order_id, note) values (?, ?)")) {
                for (int number = 1; number <= 3; number++) {
                    insert.setLong(1, number);
                    insert.setString(2, number == 2 ? null : "note " + number);
                    insert.addBatch();
                }
                int total = 0;
                for (int changed : insert.executeBatch()) {
                    total += changed;
                }
                return total;
            }
        });
        show("prepared select", () -> {
            try (PreparedStatement select = session.prepareStatement(
                    "select region, price, placed, ok, ratio, share, whole, code, document from jdbc.orders where price > ?")) {
                select.setBigDecimal(1, BigDecimal.ONE);
                return read(select.executeQuery(), "region", "price", "placed", "ok", "ratio", "share", "whole", "code", "document");
            }
        });
        show("result types", () -> {
            try (Statement select = session.createStatement(); ResultSet rows = select.executeQuery("select * from jdbc.orders")) {
                ResultSetMetaData data = rows.getMetaData();
                List<String> types = new ArrayList<>();
                for (int place = 1; place <= data.getColumnCount(); place++) {
                    types.add(data.getColumnTypeName(place) + ":" + data.getPrecision(place) + ":" + data.getScale(place));
                }
                return types;
            }
        });
        show("SUPER", () -> read(session.createStatement().executeQuery("select document.a[1] as part from jdbc.orders"), "part"));
        show("fetch size", () -> {
            session.setAutoCommit(false);
            try (Statement select = session.createStatement()) {
                select.setFetchSize(2);
                int rows = count(select.executeQuery("select order_id from jdbc.lines order by 1"));
                session.rollback();
                return rows;
            } finally {
                session.setAutoCommit(true);
            }
        });
        show("rollback", () -> {
            session.setAutoCommit(false);
            try (Statement statement = session.createStatement()) {
                statement.executeUpdate("delete from jdbc.lines");
                session.rollback();
            } finally {
                session.setAutoCommit(true);
            }
            return count(session.createStatement().executeQuery("select 1 from jdbc.lines"));
        });
        show("getParameterMetaData", () -> {
            try (PreparedStatement select = session.prepareStatement("select 1 from jdbc.orders where region = ? and whole = ?")) {
                return select.getParameterMetaData().getParameterTypeName(1) + "," + select.getParameterMetaData().getParameterTypeName(2);
            }
        });
        show("a refused statement", () -> session.createStatement().execute("create index i on jdbc.orders (id)"));
        show("read only", () -> {
            session.setReadOnly(true);
            session.setReadOnly(false);
            return session.getTransactionIsolation() == Connection.TRANSACTION_SERIALIZABLE;
        });
        show("setSchema", () -> {
            session.setSchema("jdbc");
            return session.getSchema() + count(session.createStatement().executeQuery("select 1 from lines"));
        });
    }
}
