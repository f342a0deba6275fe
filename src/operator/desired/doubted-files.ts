import type { Declaration } from '../declare/declaration.ts'
import type { DoubtedFile, InventoryRecord, Missing, Sighting } from '../plan/record.ts'
import type { Reading } from './absence.ts'
import { type Evidence, folderAround, isBeneath } from './evidence.ts'
import { notUnderstood } from './files-not-understood.ts'
import type { Unclear } from './judge-removal.ts'

/** What one reading shows of files that were in doubt before. */
export interface DoubtedFiles {
  /**
   * Whether a file may still hold what it held. It does not when a reading has understood it, or has seen that it is gone
   * from the folder that held it. A folder that became empty as a whole, or is another one now, shows nothing.
   * @returns why it may; undefined if it does not
   */
  look(file: DoubtedFile): Unclear | undefined
  /** A file of the source, with the folder that holds it. */
  locate(source: string, file: string): DoubtedFile
  /**
   * Adds the files in doubt to what a record knows of its surroundings. Another file may declare what stood in a file that is
   * in doubt, and go again. The file in doubt may declare it still.
   */
  withDoubted(
    sighting: Sighting | undefined,
    record: InventoryRecord | undefined,
    owner: Declaration,
  ): Sighting | undefined
  /** Why the removal of a declaration is in doubt although it was seen at its latest place. */
  find(record: Pick<InventoryRecord, 'sighting'>): Unclear | undefined
}

export function createDoubtedFiles({ sources }: Reading, allowEmpty: boolean): DoubtedFiles {
  /** By source, when first asked for. */
  const known = new Map<string, ReturnType<typeof notUnderstood>>()

  function notUnderstoodOf(source: string, evidence: Evidence) {
    const all = known.get(source) ?? notUnderstood(source, evidence)
    known.set(source, all)
    return all
  }

  function look({ source, file, folder }: DoubtedFile): Unclear | undefined {
    const evidence = sources.get(source)
    if (evidence === undefined) {
      return { what: 'that source is no longer configured', remedy: `Run with --source ${source}.` }
    }
    const all = notUnderstoodOf(source, evidence)
    const unclear =
      file === ''
        ? (all.get('') ?? [...all.values()][0])
        : (all.get(file) ?? [...all].find(([place]) => isBeneath(file, place))?.[1])
    if (unclear !== undefined) return unclear
    const { files, listing } = evidence
    if (listing.type !== 'folders' || files.has(file)) return undefined
    const around = folderAround(file, listing.folders)
    const remedy = 'Mount or link the folder again, or delete it.'
    const self = listing.folders.get(file)
    if (around === undefined) return { what: `${source} was not listed`, remedy }
    const path = around.path === '' ? source : `${source}/${around.path}`
    if ((self ?? around.folder).isEmpty && !allowEmpty) {
      return {
        what: `folder ${self === undefined ? path : `${source}/${file}`} became empty as a whole`,
        remedy,
      }
    }
    return folder === undefined || folder === around.identity
      ? undefined
      : { what: `folder ${path} is another one than before`, remedy }
  }

  function locate(source: string, file: string): DoubtedFile {
    const listing = sources.get(source)?.listing
    const around = listing?.type === 'folders' ? folderAround(file, listing.folders) : undefined
    return { source, file, ...(around === undefined ? {} : { folder: around.identity }) }
  }

  return {
    look,
    locate,
    withDoubted(sighting, record, { place }) {
      if (record === undefined) return sighting
      const before = record.declaration.place
      const isSameFile = (each: DoubtedFile) => each.source === place.source && each.file === place.file
      // Nearly every declaration stays where it was, and every reading asks for all of them.
      if (isSameFile(before) && record.missing === undefined && record.sighting?.doubted === undefined)
        return sighting
      // Where it moved within its source, the source was there: a checkout that is replaced as a whole is another folder each time.
      const folder = before.source === place.source ? undefined : record.sighting?.folder
      const left = [
        { source: before.source, file: before.file, ...(folder === undefined ? {} : { folder }) },
        ...mayBeIn(before.source, record.missing),
      ].filter(({ source }) => before.object === undefined && sources.has(source))
      const places = [...(record.sighting?.doubted ?? []), ...left].filter(
        (each) => !isSameFile(each) && look(each) !== undefined,
      )
      if (places.length === 0) return sighting
      return { ...(sighting ?? record.sighting), doubted: places.slice(0, mostFiles) }
    },
    find({ sighting }) {
      for (const each of sighting?.doubted ?? []) {
        const unclear = look(each)
        if (unclear === undefined) continue
        const path = each.file === '' ? each.source : `${each.source}/${each.file}`
        return {
          what: `${path} declared it before, and ${sources.has(each.source) ? `may declare it still: ${unclear.what}` : unclear.what}`,
          remedy: unclear.remedy,
        }
      }
      return undefined
    },
  }
}

/** The files that are recorded with an absence. @param source of the declaration */
export function mayBeIn(source: string, missing: Pick<Missing, 'mayBeIn'> | undefined): DoubtedFile[] {
  return (missing?.mayBeIn ?? []).map((each) => (typeof each === 'string' ? { source, file: each } : each))
}

/** A record has to stay small. */
export const mostFiles = 20
