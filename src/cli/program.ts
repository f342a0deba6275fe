import { Command, type Help } from 'commander'
import { packageVersion } from '../lib/version.ts'
import { commands, loadCommand, stubCommand } from './commands.ts'
import { exitStatusHelp } from './exit-status.ts'
import { applySettings } from './settings.ts'

/** Other names of commands. */
const aliases: Readonly<Record<string, string>> = { diff: 'plan' }

/** All commands, of which those are loaded that the parameters need. */
export async function createProgram(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Command> {
  const program = new Command('mooring')
    .description("Keeps HashiCorp Nomad's CSI volumes and snapshots as they are declared.")
    .version(packageVersion())
    // What stands behind a command is the command's, so that a subcommand may have an option of its parent.
    .enablePositionalOptions()
    .showHelpAfterError('(mooring --help and mooring <command> --help say more)')
    .configureHelp({
      formatItem,
      subcommandTerm: (command) => command.name(),
      // The program has no help of its own kind: `mooring help run` is `mooring run --help`.
      visibleOptions: (command) => [...command.options],
    })
    .configureOutput({ outputError: (text, write) => write(asOurs(text)) })
    .exitOverride()
  const needed = neededCommands(parameters, environment)
  for (const name of Object.keys(commands)) {
    const command = needed.has(name) ? await loadCommand(name, program) : stubCommand(name)
    program.addCommand(inherit(command, program))
  }
  for (const [alias, name] of Object.entries(aliases))
    program.commands.find((command) => command.name() === name)?.alias(alias)
  await applySettings(program, parameters, environment)
  return program
}

/** The one that is asked for; all for completion, and where a config file may hold settings of any. */
function neededCommands(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlySet<string> {
  const [first = '', second = ''] = parameters
  const word = first === 'help' ? second : first
  const mayHaveConfig =
    Boolean(environment.MOORING_CONFIG) || parameters.some((parameter) => parameter.startsWith('--config'))
  return mayHaveConfig || word === 'completion'
    ? new Set(Object.keys(commands))
    : new Set([aliases[word] ?? word])
}

const asOurs = (text: string) => text.replace(/^error: /, 'mooring: ')

/** Commander hands the settings of the program on only to commands that it makes itself. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  const [first] = command.registeredArguments
  if (first?.required === true && first.description !== '')
    command.configureOutput({
      outputError: (text, write) =>
        write(asOurs(text).replace(/^.* missing required argument .*/, `$&: ${first.description}`)),
    })
  command.addHelpText('after', exitStatusHelp)
  for (const each of command.commands) inherit(each, command)
  return command
}

const longestTerm = 24

/** A long flag has its description beneath it, so that a terminal of 80 characters shows both. */
function formatItem(term: string, termWidth: number, description: string, helper: Help): string {
  if (description === '') return `  ${term}`
  const column = Math.min(termWidth, longestTerm)
  const indent = ' '.repeat(column + 4)
  const lines = helper.boxWrap(description, (helper.helpWidth ?? 80) - column - 4).split('\n')
  const text = lines.join(`\n${indent}`)
  return term.length > column ? `  ${term}\n${indent}${text}` : `  ${term.padEnd(column)}  ${text}`
}
