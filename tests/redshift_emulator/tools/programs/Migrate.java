// Runs Flyway's migrations. Arguments: URL, user, password, file of the CA, folder of the migrations.
// Prints one line for each call: its name, a tab, the result.

import java.util.Arrays;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;

public class Migrate {
    interface Call {
        Object run();
    }

    static void show(String name, Call call) {
        String result;
        try {
            result = String.valueOf(call.run());
        } catch (RuntimeException error) {
            result = error.toString();
        }
        System.out.println(name + "\t" + result.replaceAll("\\s+", " "));
    }

    public static void main(String[] arguments) {
        Flyway flyway = Flyway.configure()
            .dataSource(arguments[0], arguments[1], arguments[2])
            .jdbcProperties(Map.of("ssl", "true", "sslmode", "verify-full", "sslrootcert", arguments[3]))
            .locations("filesystem:" + arguments[4])
            .schemas("flyway")
            .cleanDisabled(false)
            .load();
        show("migrate", () -> flyway.migrate().migrationsExecuted);
        show("migrate again", () -> flyway.migrate().migrationsExecuted);
        show("validate", () -> flyway.validateWithResult().validationSuccessful);
        show("info", () -> Arrays.stream(flyway.info().all())
            .map((MigrationInfo migration) -> migration.getVersion() + ":" + migration.getState()).toList());
        show("clean", () -> flyway.clean().schemasCleaned);
        show("migrate after clean", () -> flyway.migrate().migrationsExecuted);
    }
}
