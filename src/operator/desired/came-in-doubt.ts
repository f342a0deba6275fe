import type { Declaration } from '../declare/declaration.ts'
import type { OtherDocument } from '../declare/other-document.ts'
import type { Reading } from './absence.ts'
import { type Evidence, isBeneath } from './evidence.ts'
import { explainDoubt, type Unclear } from './judge-removal.ts'

/** The files of a source that were not understood, and what is wrong with each. */
type NotUnderstood = ReadonlyMap<string, Unclear>

/** Where a removed declaration may stand now, although nobody can read it there. */
export interface PerhapsThere {
  /** The files, to be recorded with the absence. */
  readonly files: readonly string[]
  /** Absent: this reading shows nothing of them. */
  readonly unclear?: Unclear
}

/** Of more files than these only the source is remembered, because a record has to stay small. */
const mostFiles = 20

/**
 * Finds the files that came in doubt while a declaration went. One of them may be the file that went: renamed after it was
 * damaged, or encrypted under another name. Files that were in doubt before hold back nothing.
 */
export function createCameInDoubt(): {
  /** Looks at the next reading. @returns what judges each absence by it */
  next(reading: Reading): (absent: {
    readonly declaration: Declaration
    /** What was recorded of the absence. */
    readonly missing?: { readonly isSeen: boolean; readonly mayBeIn?: readonly string[] }
    /** The declaration is no longer at its place. */
    readonly hasGone: boolean
  }) => PerhapsThere | undefined
  /** What was found in the last reading is stored. Until then, what came in it counts as new. */
  stored(): void
} {
  /** By source. Absent: this process has not read it yet. */
  let before: ReadonlyMap<string, NotUnderstood> = new Map()
  let latest = before
  return {
    stored() {
      before = latest
    },
    next({ sources }) {
      const last = before
      const now = new Map([...sources].map(([name, evidence]) => [name, notUnderstood(name, evidence)]))
      // A source that could not be read shows nothing of its files.
      latest = new Map([
        ...last,
        ...[...now].filter(([name]) => !sources.get(name)?.doubts.some(({ file }) => file === '')),
      ])
      return ({ declaration: { place }, missing, hasGone }) => {
        const found = now.get(place.source)
        const recorded = missing?.mayBeIn ?? []
        // A source that was not read says nothing against what was recorded.
        if (found === undefined) return recorded.length === 0 ? undefined : { files: recorded }
        const known = last.get(place.source)
        // Nobody saw what came before the first reading of a process. An absence that was judged before has it recorded.
        const hasCome = (file: string) =>
          known === undefined ? hasGone && missing?.isSeen !== true : !known.has(file)
        const others = [...found.keys()].filter((file) => file !== place.file && file !== '')
        const places = [...found.keys()]
        // The likeliest first: people read its name.
        const files = [
          ...new Set([
            ...others.filter((file) => hasGone && isAlike(file, place.file)),
            ...others.filter(hasCome),
            // A folder that cannot be read may still hold what was recorded.
            ...recorded.filter((file) => places.some((each) => isBeneath(file, each))),
            ...(recorded.includes('') ? others : []),
          ]),
        ]
        const [first] = files
        if (first === undefined) return undefined
        const unclear = found.get(first) ?? found.get(places.find((each) => isBeneath(first, each)) ?? '')
        if (unclear === undefined) return { files }
        const more = files.length === 1 ? '' : ` (and ${files.length - 1} more such files)`
        return {
          files: files.length > mostFiles ? [''] : files,
          unclear: {
            what: `it is not there any more, and a file that came meanwhile and is not understood may hold it: ${unclear.what}${more}`,
            remedy: unclear.remedy,
          },
        }
      }
    },
  }
}

/** Finds what of a source is not understood, by its file or folder. */
export function notUnderstood(source: string, { files, doubts }: Evidence): NotUnderstood {
  const found = new Map<string, Unclear>()
  for (const doubt of doubts) found.set(doubt.file, explainDoubt(doubt))
  for (const [file, { documents, others }] of files) {
    const strange = file.endsWith('.hcl') ? undefined : others.find(mayBeDamaged)
    if (documents > 0 && strange === undefined) continue
    const path = file === '' ? source : `${source}/${file}`
    found.set(
      file,
      strange === undefined
        ? { what: `${path} is empty, or has only comments`, remedy: 'Put its content back, or delete it.' }
        : {
            what: `${path}:${strange.line} has a document that is no declaration (${strange.what})`,
            remedy: 'Correct that.',
          },
    )
  }
  return found
}

/** Whether another document may be a declaration that lost its head. A job in HCL and an object of Kubernetes may not. */
function mayBeDamaged({ what }: OtherDocument): boolean {
  return !what.includes('kind "') || /kind "(?:Volume|Snapshot|SnapshotSchedule)"/.test(what)
}

/** Whether a file lies beside another one and is named after it, such as `a.enc.yaml` after `a.yaml`. */
function isAlike(file: string, other: string): boolean {
  const stem = /^(?:.*\/)?[^/.]+\./.exec(other)?.[0]
  return stem !== undefined && file.startsWith(stem) && !file.slice(stem.length).includes('/')
}
