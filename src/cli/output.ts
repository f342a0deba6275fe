import process from 'node:process'
import { Option } from 'commander'
import { dump } from 'js-yaml'
import { stringifyJSON } from '../lib/json.ts'

/** `-o, --output`, its first choice being the default. */
export function outputOption(...choices: [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(choices).default(choices[0])
}

export function printJSON(value: unknown): void {
  process.stdout.write(`${stringifyJSON(value, 2)}\n`)
}

/** YAML of what JSON can say of the value; integers that a number cannot hold exactly become text. */
export function formatYAML(value: unknown): string {
  const asPlain = (_key: string, item: unknown) => {
    if (typeof item !== 'bigint') return item
    return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString()
  }
  return dump(JSON.parse(JSON.stringify(value, asPlain)), { lineWidth: 110, noRefs: true })
}
