import process from 'node:process'
import { Command } from 'commander'
import { orderCommands } from './cli/orders.ts'
import { applySettings } from './cli/settings.ts'
import { OperationError, UsageError } from './lib/errors.ts'
import { packageVersion } from './lib/version.ts'

/** In the order of the help. Most are loaded when they are needed: each takes a part of the program, and all of it takes a second. */
const commands: Readonly<Record<string, () => Command | Promise<Command>>> = {
  up: async () => (await import('./cli/up.ts')).upCommand(),
  run: async () => (await import('./cli/run.ts')).runCommand(),
  validate: async () => (await import('./cli/validate.ts')).validateCommand(),
  plan: async () => (await import('./cli/plan.ts')).planCommand(),
  apply: async () => (await import('./cli/apply.ts')).applyCommand(),
  status: async () => (await import('./cli/status.ts')).statusCommand(),
  get: async () => (await import('./cli/get.ts')).getCommand(),
  describe: async () => (await import('./cli/describe.ts')).describeCommand(),
  explain: async () => (await import('./cli/explain.ts')).explainCommand(),
  orphans: async () => (await import('./cli/orphans.ts')).orphansCommand(),
  import: async () => (await import('./cli/import.ts')).importCommand(),
  ...orderCommands,
  restore: async () => (await import('./cli/restore.ts')).restoreCommand(),
  server: async () => (await import('./cli/server.ts')).serverCommand(),
  driver: async () => (await import('./cli/driver.ts')).driverCommand(),
  mount: async () => (await import('./cli/mount.ts')).mountCommand(),
  unmount: async () => (await import('./cli/unmount.ts')).unmountCommand(),
  completion: async () => (await import('./cli/completion.ts')).completionCommand(() => program),
  version: async () => (await import('./cli/version.ts')).versionCommand(),
}

const program: Command = new Command('mooring')
  .description("Keeps HashiCorp Nomad's CSI volumes and snapshots as they are declared.")
  .version(packageVersion())
  // What stands behind a command is the command's, so that a subcommand may have an option of its parent.
  .enablePositionalOptions()
  .showHelpAfterError('(mooring --help and mooring <command> --help say more)')

// A report that Node writes of a crash names no variable: secrets come in them.
if (process.report !== undefined) process.report.excludeEnv = true

try {
  const parameters = process.argv.slice(2)
  for (const load of neededCommands(parameters)) program.addCommand(await load())
  applySettings(program, parameters, process.env)
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof UsageError || error instanceof OperationError)) throw error
  process.stderr.write(`mooring: ${error.message}\n`)
  process.exit(1)
}

/** The one that is asked for; all for help, completion and mistakes, and where a config file may hold settings of any. */
function neededCommands(parameters: readonly string[]): (() => Command | Promise<Command>)[] {
  const [name = ''] = parameters
  const mayHaveConfig =
    Boolean(process.env.MOORING_CONFIG) || parameters.some((parameter) => parameter.startsWith('--config'))
  const asked =
    Object.hasOwn(commands, name) && name !== 'completion' && !mayHaveConfig ? commands[name] : undefined
  return asked === undefined ? Object.values(commands) : [asked]
}
