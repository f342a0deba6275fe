import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import type { TableName } from './database.ts'
import type { CreateIntent, DeleteIntent, StringMap, VolumeDefinition, VolumeRecord } from './records.ts'
import type { SecretBox } from './secret-box.ts'

/** The encrypted part of a row. Mount flags belong to it because they can hold a password. */
interface Sealed {
  readonly secrets: StringMap
  readonly mountFlags?: readonly string[]
}

/** The place of a sealed text, which can be opened for this row only. */
export const placeOf = (table: TableName, key: string) => `${table}/${key}`

/**
 * A row as its columns. Secrets have an encrypted column of their own, so that code which handles documents never meets
 * them. null: the row has no secrets.
 */
export function toColumns(
  box: SecretBox,
  table: TableName,
  key: string,
  row: object,
): [document: string, secrets: string | null] {
  const [open, sealed] = split(table, row)
  const isEmpty = Object.keys(sealed.secrets).length === 0 && !sealed.mountFlags?.length
  return [stringifyJSON(open), isEmpty ? null : box.seal(placeOf(table, key), stringifyJSON(sealed))]
}

/** The row that was stored. The version of the database vouches for its shape. @throws Error as SecretBox.open */
export function fromColumns(
  box: SecretBox,
  table: TableName,
  key: string,
  document: string,
  secrets: string | null,
): object {
  const row = parseJSON(document) as object
  const sealed: Sealed =
    secrets === null ? { secrets: {} } : (parseJSON(box.open(placeOf(table, key), secrets)) as Sealed)
  if (table === 'csi_volumes') return joinDefinition(row as VolumeRecord, sealed)
  if (table === 'csi_deletes') return { ...row, secrets: sealed.secrets }
  if (table !== 'csi_creates') return row
  const intent = row as CreateIntent
  return { ...intent, definition: joinDefinition(intent.definition, sealed) }
}

function split(table: TableName, row: object): [open: object, sealed: Sealed] {
  if (table === 'csi_volumes') return splitDefinition(row as VolumeRecord)
  if (table === 'csi_deletes') {
    const { secrets, ...rest } = row as DeleteIntent
    return [rest, { secrets }]
  }
  if (table !== 'csi_creates') return [row, { secrets: {} }]
  const { definition, ...rest } = row as CreateIntent
  const [open, sealed] = splitDefinition(definition)
  return [{ ...rest, definition: open }, sealed]
}

function splitDefinition({ secrets, mountOptions, ...rest }: VolumeDefinition): [object, Sealed] {
  const { mountFlags, ...openly } = mountOptions
  return [
    { ...rest, mountOptions: openly },
    { secrets, mountFlags },
  ]
}

const joinDefinition = (open: VolumeDefinition, { secrets, mountFlags = [] }: Sealed): VolumeDefinition => ({
  ...open,
  mountOptions: { ...open.mountOptions, mountFlags },
  secrets,
})
