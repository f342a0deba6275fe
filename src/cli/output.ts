import process from 'node:process'
import { Option } from 'commander'
import { dump } from 'js-yaml'
import { stringifyJSON } from '../lib/json.ts'

/** `-o, --output`. The first choice is the default. */
export function outputOption(...choices: [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'format of the output').choices(choices).default(choices[0])
}

/** Prints a result: with `json` the document, for programs, else a text for a person. */
export function printResult(output: 'text' | 'json', document: object, text: string): void {
  if (output === 'json') printJSON(document)
  else process.stdout.write(`${text}\n`)
}

/** `-o, --output` of a command whose result is a sentence. */
export const resultOption = () => outputOption('text', 'json')

export function printJSON(value: unknown): void {
  process.stdout.write(`${stringifyJSON(value, 2)}\n`)
}

/** YAML of a value that JSON can hold. Integers that a number cannot hold exactly become text. */
export function formatYAML(value: unknown): string {
  const asPlain = (_key: string, item: unknown) => {
    if (typeof item !== 'bigint') return item
    return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString()
  }
  return dump(JSON.parse(JSON.stringify(value, asPlain)), { lineWidth: 110, noRefs: true })
}
