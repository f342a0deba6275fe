import type { Declaration } from '../declare/declaration.ts'
import type { DoubtedFile, Missing } from '../plan/record.ts'
import type { Reading } from './absence.ts'
import { type DoubtedFiles, mayBeIn, mostFiles } from './doubted-files.ts'
import { type NotUnderstood, notUnderstood } from './files-not-understood.ts'
import type { Unclear } from './judge-removal.ts'

/** Where a removed declaration may stand now, although nobody can read it there. */
export interface PerhapsThere {
  /** The files, to be recorded with the absence. */
  readonly files: readonly DoubtedFile[]
  /** Absent: the source was not read. */
  readonly unclear?: Unclear
}

/**
 * Finds the files that came in doubt while a declaration went. One of them may be the file that went: renamed after it was
 * damaged, or encrypted under another name. Files that were in doubt before hold back nothing.
 */
export function createCameInDoubt(): {
  /** Looks at the next reading. @returns what judges each absence by it */
  next(
    reading: Reading,
    doubtedFiles: Pick<DoubtedFiles, 'look' | 'locate'>,
  ): (absent: {
    readonly declaration: Declaration
    /** What was recorded of the absence. */
    readonly missing?: Pick<Missing, 'isSeen' | 'mayBeIn'>
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
    next({ sources }, { look, locate }) {
      const last = before
      const now = new Map([...sources].map(([name, evidence]) => [name, notUnderstood(name, evidence)]))
      // A source that could not be read shows nothing of its files.
      latest = new Map([
        ...last,
        ...[...now].filter(([name]) => !sources.get(name)?.doubts.some(({ file }) => file === '')),
      ])
      return ({ declaration: { place }, missing, hasGone }) => {
        const { source } = place
        const found = now.get(source)
        const recorded = mayBeIn(source, missing)
        // A source that was not read says nothing against what was recorded.
        if (found === undefined) return recorded.length === 0 ? undefined : { files: recorded }
        const known = last.get(source)
        // Nobody saw what came before the first reading of a process. An absence that was judged before has it recorded.
        const hasCome = (file: string) =>
          known === undefined ? hasGone && missing?.isSeen !== true : !known.has(file)
        const others = [...found.keys()].filter((file) => file !== place.file && file !== '')
        const alike = others.filter((file) => hasGone && isAlike(file, place.file))
        // The likeliest first: people read its name.
        const files = new Map(
          [...alike, ...others.filter(hasCome)].map((file) => [file, locate(source, file)]),
        )
        // Another file of the same name may stand in a folder that was mounted there meanwhile.
        for (const each of recorded) if (look(each) !== undefined) files.set(each.file, each)
        const [first] = files.values()
        const unclear = first && look(first)
        if (first === undefined || unclear === undefined) return undefined
        const more = files.size === 1 ? '' : ` (and ${files.size - 1} more such files)`
        return {
          files: files.size > mostFiles ? [locate(source, '')] : [...files.values()],
          unclear: {
            what: `it is not there any more, and a file that came meanwhile and is not understood may hold it: ${unclear.what}${more}`,
            remedy: unclear.remedy,
          },
        }
      }
    },
  }
}

/** Whether a file lies beside another one and is named after it, such as `a.enc.yaml` after `a.yaml`. */
function isAlike(file: string, other: string): boolean {
  const stem = /^(?:.*\/)?[^/.]+\./.exec(other)?.[0]
  return stem !== undefined && file.startsWith(stem) && !file.slice(stem.length).includes('/')
}
