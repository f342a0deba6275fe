import { readFileSync } from 'node:fs'
import { type Command, CommanderError, InvalidArgumentError, type Option } from 'commander'
import leven from 'leven'
import { errorMessage } from '../lib/errors.ts'
import { createPositions } from '../operator/declare/positions.ts'
import { parseYamlDocuments } from '../operator/declare/yaml-documents.ts'
import { WrongUseError } from './exit-status.ts'
import { isSetting } from './is-setting.ts'

/** Takes the values of a config file for options that were not given otherwise. */
export function applyFile(
  commands: readonly Command[],
  file: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const { settings, placeOf } = readSettings(file)
  const known = new Set(
    commands.flatMap(({ options }) => options.filter(isSetting).map((option) => option.name())),
  )
  for (const [key, value] of Object.entries(settings)) {
    if (!known.has(key)) {
      const meant = [...known].find((name) => leven(name, key.toLowerCase()) <= 2)
      const hint = meant === undefined ? `one of ${[...known].sort().join(', ')}` : meant
      throw new WrongUseError(`${placeOf(key)}: "${key}" is not a setting: write ${hint}`)
    }
    for (const command of commands) {
      const option = command.options.find((each) => isSetting(each) && each.name() === key)
      if (option === undefined) continue
      const name = option.attributeName()
      // An option that may be given more than once adds to the value there is, so the file's is left out here.
      if (isGiven(option, parameters, environment)) continue
      command.setOptionValueWithSource(name, parseSetting(option, key, value, placeOf), 'config')
    }
  }
}

function isGiven(
  { long, envVar = '' }: Option,
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const isFlag = (text: string) => text === long || text.startsWith(`${long}=`)
  return environment[envVar] !== undefined || parameters.some(isFlag)
}

function parseSetting(
  option: Option,
  key: string,
  value: unknown,
  placeOf: (key: string) => string,
): unknown {
  const wrong = (why: string) => new WrongUseError(`${placeOf(key)}: ${key} ${why}`)
  if (option.isBoolean()) {
    if (typeof value !== 'boolean') throw wrong('is neither true nor false: write one of them')
    return value
  }
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  if (!isList && typeof value !== 'string' && typeof value !== 'number')
    throw wrong('is neither text, nor a number, nor a list of texts: write one of them')
  // An option that may be given more than once takes one value a line.
  const text = isList ? value.join('\n') : String(value)
  try {
    // An option with choices has a parser too: Commander gives it one.
    return option.parseArg === undefined ? text : option.parseArg(text, undefined)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError || error instanceof CommanderError)) throw error
    throw wrong(`is not valid: ${errorMessage(error)}`)
  }
}

function readSettings(file: string): {
  settings: Readonly<Record<string, unknown>>
  placeOf: (key: string) => string
} {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new WrongUseError(`--config ${file} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
  const positionAt = createPositions(text)
  const place = (offset: number) => {
    const { line, column } = positionAt(offset)
    return `${file}:${line}:${column}`
  }
  const [document, second] = [...parseYamlDocuments(text)]
  if (document === undefined) return { settings: {}, placeOf: () => file }
  if ('message' in document) throw new WrongUseError(`${place(document.offset)}: ${document.message}`)
  if (document.root !== 'mapping' || second !== undefined) {
    throw new WrongUseError(`${file} is not a config file: write one YAML mapping, such as "prune: true"`)
  }
  const constructed = document.construct()
  if ('fault' in constructed) {
    throw new WrongUseError(`${place(constructed.fault.offset)}: ${constructed.fault.message}`)
  }
  // The root is a mapping, as was checked above.
  return {
    settings: constructed.value as Record<string, unknown>,
    placeOf: (key) => place(document.locate([key])),
  }
}
