import { type Command, Option } from 'commander'
import { WrongUseError } from './exit-status.ts'
import { isSetting } from './is-setting.ts'

/**
 * Settings are the options that have an environment variable. A config file gives them by the names of
 * their flags, in YAML. A flag wins over the environment, the environment over the file, and the file over
 * the default. One file serves all commands: each takes what it has a flag for.
 */
export async function applySettings(
  program: Command,
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const commands = program.commands
    .flatMap((each) => [each, ...each.commands])
    .filter(({ options }) => options.some(isSetting))
  for (const command of commands) {
    command.addOption(
      new Option('--config <file>', 'YAML file of settings, by the names of their flags').env(
        'MOORING_CONFIG',
      ),
    )
    applyBooleans(command, environment)
  }
  const file = findConfigFile(parameters) ?? environment.MOORING_CONFIG
  if (file === undefined || file === '') return
  // Loaded here, so that no command without a file has to load the parser of YAML.
  const { applyFile } = await import('./config-file.ts')
  applyFile(commands, file, parameters, environment)
}

/** Called before Commander reads the parameters, as the file's values have to be there by then. */
function findConfigFile(parameters: readonly string[]): string | undefined {
  for (const [index, parameter] of parameters.entries()) {
    if (parameter === '--') return undefined
    if (parameter === '--config') return parameters[index + 1]
    if (parameter.startsWith('--config=')) return parameter.slice('--config='.length)
  }
  return undefined
}

/** Commander reads any text in the environment as true, even `false`. */
function applyBooleans(command: Command, environment: Readonly<Record<string, string | undefined>>): void {
  for (const option of command.options) {
    const { envVar } = option
    if (envVar === undefined || !option.isBoolean()) continue
    const text = environment[envVar]
    if (text === undefined) continue
    const value = parseBoolean(text)
    if (value === undefined) throw new WrongUseError(`${envVar} is "${text}": write true or false`)
    command.setOptionValueWithSource(option.attributeName(), value, 'environment')
  }
}

function parseBoolean(text: string): boolean | undefined {
  if (/^(true|t|1|yes|on)$/i.test(text)) return true
  return /^(false|f|0|no|off|)$/i.test(text) ? false : undefined
}
