import process from 'node:process'
import { Option } from 'commander'
import { dump } from 'js-yaml'
import { parseJSON, stringifyJSON } from '../lib/json.ts'

/** `-o, --output`, its first choice being the default. */
export function outputOption(...choices: [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(choices).default(choices[0])
}

export function printJSON(value: unknown): void {
  process.stdout.write(`${stringifyJSON(value, 2)}\n`)
}

/** YAML of what JSON can say of the value, 64-bit integers exact. */
export function formatYAML(value: unknown): string {
  const plain = parseJSON(stringifyJSON(value))
  return dump(plain, { lineWidth: 110, noRefs: true })
}
