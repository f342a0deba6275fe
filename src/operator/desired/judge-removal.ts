import { declaredKinds } from '../../lib/declared-kinds.ts'
import { advise, type Names } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { type Declaration, formatPlace } from '../declare/declaration.ts'
import { displayName } from '../plan/identity.ts'
import { wholeOf } from '../plan/per-alloc.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Reading } from './absence.ts'
import {
  type Doubt,
  type Evidence,
  type FileEvidence,
  folderAround,
  isBeneath,
  type Listing,
  parentsOf,
} from './evidence.ts'

/** Why it is not known that a person removed a declaration. */
export interface Unclear {
  /** What is there now. */
  readonly what: string
  /** What a person can do, beside confirming the removal. */
  readonly remedy: string
}

type Absent = Pick<InventoryRecord, 'declaration' | 'sighting' | 'missing'>

const putBack = reasons.SourceUnclear.person.putBack()

/**
 * Judges whether a person removed a declaration that no file shows any more. A removal must be seen: the file is gone from a
 * folder that is still the same one, a commit deletes it, or the document is gone from a file in which everything else is
 * known. Whatever can no longer be read, recognised or found is a doubt.
 * @returns why it is in doubt; undefined if the removal was seen
 */
export function judgeRemoval(
  record: Absent,
  reading: Reading,
  { allowEmpty }: { readonly allowEmpty: boolean },
): Unclear | undefined {
  const { source, file } = record.declaration.place
  const evidence = reading.sources.get(source)
  if (evidence === undefined) return notRead(source)
  const unknown = findDoubt(record.declaration, reading)
  if (unknown !== undefined) return unknown
  const found = evidence.files.get(file)
  if (found !== undefined) return judgeFile(record, found)
  return evidence.listing.type === 'folders'
    ? judgeFolder(record, evidence.listing, allowEmpty)
    : judgeCommit(record, evidence.listing, evidence.files)
}

/** What could not be read where it was declared; undefined if that place was read. */
export function findDoubt(
  { place: { source, file } }: Declaration,
  { sources }: Reading,
): Unclear | undefined {
  const doubt = sources.get(source)?.doubts.find((each) => isBeneath(file, each.file))
  return doubt && explainDoubt(doubt)
}

/** What could not be read elsewhere, if the declaration may have moved there. */
export function findElsewhere(declaration: Declaration, { sources }: Reading): Unclear | undefined {
  for (const { doubts } of sources.values()) {
    const doubt = doubts.find((each) => mayHold(each, declaration))
    if (doubt === undefined) continue
    const { what, remedy } = explainDoubt(doubt)
    return { what: `it may have moved to a place that cannot be read: ${what}`, remedy }
  }
  return undefined
}

/** A source that cannot be read at all may hold anything; a file only what its text names. */
function mayHold({ file, words }: Doubt, declaration: Declaration): boolean {
  if (file === '' && words === undefined) return true
  return words !== undefined && isNamedBy(words, declaration)
}

function isNamedBy(words: ReadonlySet<string>, declaration: Declaration): boolean {
  const { name, spec } = wholeOf(declaration) ?? declaration
  return words.has(name) || ('volumeID' in spec && words.has(spec.volumeID))
}

/** What could not be read or understood, for people. */
export function explainDoubt({ problem: { place, field, message } }: Doubt): Unclear {
  return {
    what: `${formatPlace(place)} ${field === '' ? '' : `${field}: `}${message}`,
    remedy: advise(reasons.SourceUnclear.person.correct()),
  }
}

function notRead(source: string): Unclear {
  return source.startsWith('/') || source.includes('://')
    ? {
        what: `source ${source} is no longer configured`,
        remedy: advise(reasons.SourceNotRead.person.readAgain({ source })),
      }
    : {
        what: `an earlier release recorded the folder only as ${source}, which says nothing without the directory that it ran in`,
        remedy: advise(reasons.SourceNotRead.person.declareAgain()),
      }
}

/** The file is there, it was read whole, and the declaration is not in it. */
function judgeFile(
  { declaration, sighting }: Absent,
  { documents, others }: FileEvidence,
): Unclear | undefined {
  const path = pathOf(declaration)
  if (documents === 0) {
    return {
      what: `${path} is empty, or has only comments`,
      remedy: declaration.place.file === '' ? putBack : `${putBack} Or delete the file.`,
    }
  }
  const known = sighting?.others?.split(' ') ?? []
  for (const { fingerprint, line, what } of others) {
    const at = known.indexOf(fingerprint)
    if (at >= 0) known.splice(at, 1)
    else {
      return {
        what: `${path}:${line} now has a document that was not there before and that is no declaration (${what}), which may be this one`,
        remedy: `${putBack} Or move that document to another file.`,
      }
    }
  }
  return undefined
}

/** The file is not there. */
function judgeFolder(
  { declaration, sighting }: Absent,
  { folders, passed }: Extract<Listing, { type: 'folders' }>,
  allowEmpty: boolean,
): Unclear | undefined {
  const { source, file } = declaration.place
  if (folders.has(file)) return { what: `${pathOf(declaration)} is a folder now`, remedy: putBack }
  const around = folderAround(file, folders)
  if (around === undefined) return { what: `${source} was not listed`, remedy: putBack }
  const { path: nearest, folder, identity: expected } = around
  const name = nearest === '' ? source : `${source}/${nearest}`
  const standing = parentsOf(file).find((each) => passed.has(each))
  if (standing !== undefined) return { what: `${source}/${standing} is no longer a folder`, remedy: putBack }
  if (folder.isEmpty && !allowEmpty) {
    return {
      what: `folder ${name} became empty as a whole, as if a mount had gone away`,
      remedy: `${putBack} ${nearest === '' ? '' : 'Or delete the folder too.'}`,
    }
  }
  if (sighting?.folder === undefined) {
    return { what: 'an earlier release did not record which folder held it', remedy: putBack }
  }
  if (sighting.folder === expected) return undefined
  const [device] = sighting.folder.split(' ')
  const before = sighting.folder.slice((device ?? '').length + 1)
  const now = expected.slice(folder.device.length + 1)
  return {
    what:
      before === now
        ? `folder ${name} is on another device or file system than before`
        : `the folder that held it was ${before}, and its path now leads to ${now}`,
    remedy: `Mount or link the folder again. ${putBack}`,
  }
}

/** The commit has no such file. */
function judgeCommit(
  record: Absent,
  listing: Listing,
  files: ReadonlyMap<string, FileEvidence>,
): Unclear | undefined {
  const { declaration, missing } = record
  if (listing.type !== 'commit' || missing?.isSeen) return undefined
  const { file } = declaration.place
  const unclear = (what: string) => ({ what: `commit ${listing.commit} ${what}`, remedy: putBack })
  const change = listing.changed.get(file)
  // Git pairs files that are much alike. Where the other one is read, it is known what that declares.
  const target = change?.to === undefined ? undefined : files.get(change.to)
  if (change !== undefined && target === undefined) return unclear(change.what)
  if (target !== undefined && judgeFile(record, target) !== undefined) return unclear(change?.what ?? '')
  if (change === undefined && !listing.removed.has(file)) {
    return unclear(
      `does not have ${pathOf(declaration)}, and Mooring did not see which commit deleted it as a file`,
    )
  }
  const likely = listing.unread.find(({ words }) => isNamedBy(words, declaration))
  return likely && unclear(`has ${likely.path}, which is not read and which names it`)
}

function pathOf({ place: { source, file } }: Declaration): string {
  return file === '' ? source : `${source}/${file}`
}

/** The message of a condition for an absence in doubt. */
export function explainUnclear(declaration: Declaration, { what, remedy }: Unclear): string {
  return (
    `${displayName(declaration)} was declared at ${formatPlace(declaration.place)}, and nobody saw its removal: ${what}. ` +
    `It is kept, and nothing ends. ${advise(remedy, reasons.SourceUnclear.person.confirm(namesOf(declaration)))}`
  )
}

/** How commands name a declaration. */
export function namesOf(declaration: Declaration): Pick<Names, 'kind' | 'target'> {
  const { kind, name, spec } = declaration
  const whole = declaration.kind === 'Volume' ? declaration.instance?.volumeID : undefined
  const id = whole ?? ('volumeID' in spec ? spec.volumeID : name)
  return {
    kind: declaredKinds[kind].word,
    target: `${spec.namespace}/${id}`,
  }
}

/** The evidence about a declaration's own file; undefined if a reading of it proves nothing. */
export function fileEvidence(
  { place }: Declaration,
  sources: ReadonlyMap<string, Evidence>,
): FileEvidence | undefined {
  return sources.get(place.source)?.files.get(place.file)
}
