import process from 'node:process'
import { Command } from 'commander'
import { applyCommand } from './commands/apply.ts'
import { completionCommand } from './commands/completion.ts'
import { describeCommand } from './commands/describe.ts'
import { detachCommand } from './commands/detach.ts'
import { driverCommand } from './commands/driver.ts'
import { getCommand } from './commands/get.ts'
import { importCommand } from './commands/import.ts'
import { mountCommand } from './commands/mount.ts'
import { orphansCommand } from './commands/orphans.ts'
import { planCommand } from './commands/plan.ts'
import { recreateCommand } from './commands/recreate.ts'
import { restoreCommand } from './commands/restore.ts'
import { runCommand } from './commands/run.ts'
import { serverCommand } from './commands/server.ts'
import { applySettings } from './commands/settings.ts'
import { snapshotCommand } from './commands/snapshot.ts'
import { statusCommand } from './commands/status.ts'
import { resumeCommand, suspendCommand } from './commands/suspend.ts'
import { unmountCommand } from './commands/unmount.ts'
import { upCommand } from './commands/up.ts'
import { validateCommand } from './commands/validate.ts'
import { versionCommand } from './commands/version.ts'
import { OperationError, UsageError } from './lib/errors.ts'
import { packageVersion } from './lib/version.ts'

const program: Command = new Command('mooring')
  .description("Keeps HashiCorp Nomad's CSI volumes and snapshots as they are declared.")
  .version(packageVersion())
  // What stands behind a command is the command's, so that a subcommand may have an option of its parent.
  .enablePositionalOptions()
  .showHelpAfterError('(mooring --help and mooring <command> --help say more)')
  .addCommand(upCommand())
  .addCommand(runCommand())
  .addCommand(validateCommand())
  .addCommand(planCommand())
  .addCommand(applyCommand())
  .addCommand(statusCommand())
  .addCommand(getCommand())
  .addCommand(describeCommand())
  .addCommand(orphansCommand())
  .addCommand(importCommand())
  .addCommand(suspendCommand())
  .addCommand(resumeCommand())
  .addCommand(recreateCommand())
  .addCommand(restoreCommand())
  .addCommand(snapshotCommand())
  .addCommand(detachCommand())
  .addCommand(serverCommand())
  .addCommand(driverCommand())
  .addCommand(mountCommand())
  .addCommand(unmountCommand())
  .addCommand(completionCommand(() => program))
  .addCommand(versionCommand())

try {
  applySettings(program, process.argv.slice(2), process.env)
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof UsageError || error instanceof OperationError)) throw error
  process.stderr.write(`mooring: ${error.message}\n`)
  process.exit(1)
}
