import type { TObject } from 'typebox'
import { Check } from 'typebox/value'

/** What is found of a record in one of the two places where it is kept. */
export type RecordCopy<Record> =
  | { readonly state: 'absent' }
  /** `reason` says what is wrong with it, as the end of a sentence. */
  | { readonly state: 'damaged'; readonly reason: string }
  | { readonly state: 'good'; readonly record: Record }

/** Reads a copy of the record `id` from its JSON. The schema is the one of `Record`. */
export function parseCopy<Record extends { readonly id: string }>(
  schema: TObject,
  id: string,
  text: string,
): RecordCopy<Record> {
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch {
    return { state: 'damaged', reason: text.trim() === '' ? 'is empty' : 'is not JSON' }
  }
  if (!Check(schema, record)) return { state: 'damaged', reason: 'is no record of this driver' }
  // Checked by the schema above.
  const checked = record as unknown as Record
  if (checked.id !== id) return { state: 'damaged', reason: 'is the record of something else' }
  return { state: 'good', record: checked }
}

/**
 * The one rule of which copy counts: the one that was written later. A copy that cannot be read counts for
 * nothing, and where neither can, nothing is known. undefined: neither place has the record.
 */
export function chooseCopy<Record extends { readonly generation?: number | undefined }>(
  row: RecordCopy<Record>,
  beside: RecordCopy<Record>,
): { readonly from: 'row' | 'beside'; readonly record: Record } | 'in doubt' | undefined {
  if (row.state === 'good' && beside.state === 'good') {
    const isBesideNewer = (beside.record.generation ?? 0) > (row.record.generation ?? 0)
    return isBesideNewer ? { from: 'beside', record: beside.record } : { from: 'row', record: row.record }
  }
  if (row.state === 'good') return { from: 'row', record: row.record }
  if (beside.state === 'good') return { from: 'beside', record: beside.record }
  return row.state === 'damaged' || beside.state === 'damaged' ? 'in doubt' : undefined
}
