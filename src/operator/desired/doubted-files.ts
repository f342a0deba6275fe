import type { Declaration } from '../declare/declaration.ts'
import type { DoubtedFile, InventoryRecord, Sighting } from '../plan/record.ts'
import type { Reading } from './absence.ts'
import { notUnderstood } from './came-in-doubt.ts'
import { isBeneath } from './evidence.ts'
import type { Unclear } from './judge-removal.ts'

/**
 * Another file may declare what stood in a file that is in doubt, and go again. That file may declare it still, so what
 * was declared there is remembered until the file is understood or gone.
 */
export interface DoubtedFiles {
  /** Adds the files in doubt to what a record knows of its surroundings. */
  withDoubted(
    sighting: Sighting | undefined,
    record: InventoryRecord | undefined,
    owner: Declaration,
  ): Sighting | undefined
  /** Why the removal of a declaration is in doubt although it was seen at its latest place. */
  find(record: Pick<InventoryRecord, 'sighting'>): Unclear | undefined
}

export function createDoubtedFiles({ sources }: Reading): DoubtedFiles {
  /** By source, when first asked for. */
  const known = new Map<string, ReturnType<typeof notUnderstood>>()

  function doubtOf({ source, file }: DoubtedFile): Unclear | undefined {
    const evidence = sources.get(source)
    if (evidence === undefined) return undefined
    const all = known.get(source) ?? notUnderstood(source, evidence)
    known.set(source, all)
    // Too many files were in doubt to remember each.
    if (file === '') return all.get('') ?? [...all.values()][0]
    return all.get(file) ?? [...all].find(([place]) => isBeneath(file, place))?.[1]
  }

  return {
    withDoubted(sighting, record, { place }) {
      if (record === undefined) return sighting
      const before = record.declaration.place
      const isSameFile = (each: DoubtedFile) => each.source === place.source && each.file === place.file
      // Nearly every declaration stays where it was, and every reading asks for all of them.
      if (isSameFile(before) && record.missing === undefined && record.sighting?.doubted === undefined)
        return sighting
      const { source } = before
      const left = [before.file, ...(record.missing?.mayBeIn ?? [])].map((file) => ({ source, file }))
      const places = [
        ...(record.sighting?.doubted ?? []),
        ...(before.object === undefined ? left.filter((each) => doubtOf(each) !== undefined) : []),
      ].filter((each) => !isSameFile(each) && (!sources.has(each.source) || doubtOf(each) !== undefined))
      if (places.length === 0) return sighting
      return { ...(sighting ?? record.sighting), doubted: places.slice(0, mostFiles) }
    },
    find({ sighting }) {
      for (const each of sighting?.doubted ?? []) {
        const path = each.file === '' ? each.source : `${each.source}/${each.file}`
        const unclear = doubtOf(each)
        if (unclear !== undefined) {
          return {
            what: `${path} declared it before, and may declare it still: ${unclear.what}`,
            remedy: unclear.remedy,
          }
        }
        if (!sources.has(each.source)) {
          return {
            what: `${path} declared it before, and that source is no longer configured`,
            remedy: `Run with --source ${each.source}.`,
          }
        }
      }
      return undefined
    },
  }
}

/** A record has to stay small. */
const mostFiles = 20
