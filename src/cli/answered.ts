import process from 'node:process'
import { closestMatch } from 'leven'
import { UsageError } from '../lib/errors.ts'
import { shellCommand } from '../lib/shell-command.ts'
import type { Row } from '../operator/admin/row.ts'
import type { Key } from '../operator/plan/identity.ts'
import type { OpenAdmin } from '../operator/with-admin.ts'
import { kindWordOf } from './target.ts'

/** Says that what is shown may be old, where no operator runs. */
export function tellIfOld({ running }: OpenAdmin, dataDirectory: string): void {
  if (!running)
    process.stderr.write(`No operator runs on ${dataDirectory}; this is what the last one recorded.\n`)
}

/** The error for a target that is not there, with the one that may be meant. */
export function notDeclared(key: Key, rows: readonly Pick<Row, 'kind' | 'name'>[]): UsageError {
  const [kind = '', namespace = '', id = ''] = key.split('/')
  const names = rows.filter((row) => row.kind === kind).map(({ name }) => name)
  const elsewhere = names.filter((name) => name.slice(name.indexOf('/') + 1) === id)
  const near = closestMatch(`${namespace}/${id}`, names, { maxDistance: 2 })
  const [meant] = elsewhere.length > 0 ? elsewhere : near === undefined ? [] : [near]
  const hint =
    meant === undefined
      ? `${shellCommand('mooring', 'get', kindWordOf(kind))} lists what is`
      : `do you mean ${shellCommand(meant)}?`
  return new UsageError(`${key} is neither declared nor managed: ${hint}`)
}
