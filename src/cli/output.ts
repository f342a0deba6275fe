import process from 'node:process'
import { Option } from 'commander'
import { dump } from 'js-yaml'
import { stringifyJSON } from '../lib/json.ts'

/** `-o, --output`. The first choice is the default. */
export function outputOption(...choices: [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'format of the output').choices(choices).default(choices[0])
}

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
