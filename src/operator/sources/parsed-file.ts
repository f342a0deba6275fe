import type { Problem } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import type { Doubt, FileEvidence, Listing } from '../desired/evidence.ts'
import { isSameDeclaration } from '../desired/same-declaration.ts'
import { compare } from './scan-files.ts'
import type { SourceContent } from './source.ts'

/** The content of one file. */
export interface ParsedFile extends Readonly<ParsedDeclarations> {
  /** The words of its text, where it has a problem. */
  readonly words?: ReadonlySet<string>
}

/** The content of a file whose text could not be read. */
export function unreadFile(problem: Problem): ParsedFile {
  return { declarations: [], problems: [problem], warnings: [], others: [] }
}

/**
 * Takes the declarations that the file had before where they are the same, so that nobody compares them again: of a file of
 * a hundred, most changes concern one.
 */
export function withKnown<Parsed extends ParsedDeclarations>(
  parsed: Parsed,
  before: Pick<ParsedFile, 'declarations'> | undefined,
): Parsed {
  const known = before?.declarations ?? []
  const declarations = parsed.declarations.map((each, index) => {
    const old = known[index]
    return old !== undefined && isSameDeclaration(old, each) ? old : each
  })
  return { ...parsed, declarations }
}

/** More than one process should manage. Each declaration costs memory and a pass. */
const maxDocuments = 200_000

/** Makes the content of a source from its files. */
export function contentOf(reading: {
  readonly source: string
  readonly files: ReadonlyMap<string, ParsedFile>
  /** What could not be read at all. */
  readonly doubts: readonly Doubt[]
  readonly listing: Listing
  /** The folder that holds a file, as `<device> <real path>`. */
  readonly folderOf?: (file: string) => string | undefined
  readonly monotonicMs: number
  readonly readAtMs: number
}): SourceContent {
  const { source, listing, folderOf, monotonicMs, readAtMs } = reading
  const documents = [...reading.files.values()].reduce(
    (sum, { declarations, others }) => sum + declarations.length + others.length,
    0,
  )
  const isTooLarge = documents > maxDocuments
  const files = isTooLarge ? new Map<string, ParsedFile>() : reading.files
  const tooLarge: Problem = {
    place: { source, file: '', document: 0, line: 0, column: 0 },
    field: '',
    message: `has more than ${maxDocuments} documents: split it into several sources, each with an operator of its own`,
  }
  const evidence = new Map<string, FileEvidence>()
  const doubts = isTooLarge ? [{ file: '', problem: tooLarge }] : [...reading.doubts]
  for (const [file, parsed] of files) {
    const { words } = parsed
    const [problem] = parsed.problems
    if (problem !== undefined) doubts.push({ file, problem, ...(words === undefined ? {} : { words }) })
    else evidence.set(file, evidenceOf(parsed, folderOf?.(file)))
  }
  const all = [...files].sort(([one], [other]) => compare(one, other)).map(([, file]) => file)
  return {
    // The declarations of a file are in its order already.
    declarations: all.flatMap(({ declarations }) => declarations),
    problems: [
      ...(isTooLarge ? [tooLarge] : reading.doubts.map(({ problem }) => problem)),
      ...all.flatMap(({ problems }) => problems.filter(({ isOfOthers }) => !isOfOthers)),
    ].sort((a, b) => compare(a.place.file, b.place.file)),
    warnings: all.flatMap(({ problems, warnings }) => [
      // Such a file is in doubt all the same: what it declared before is kept.
      ...problems.flatMap((problem) => (problem.isOfOthers ? passedOver(problem) : [])),
      ...warnings,
    ]),
    evidence: { monotonicMs, files: evidence, doubts, listing },
    readAtMs,
    skipped: all.reduce((sum, { others }) => sum + others.length, 0),
  }
}

/** The same object for a file that has not changed, by which others see that. */
function evidenceOf(parsed: ParsedFile, folder: string | undefined): FileEvidence {
  const before = evidenceBefore.get(parsed)
  if (before !== undefined && before.folder === folder) return before
  const { declarations, others } = parsed
  const evidence = {
    documents: declarations.length + others.length,
    declarations,
    others,
    ...(folder === undefined ? {} : { folder }),
  }
  evidenceBefore.set(parsed, evidence)
  return evidence
}

const evidenceBefore = new WeakMap<ParsedFile, FileEvidence>()

function passedOver(problem: Problem): Problem {
  return {
    ...problem,
    message: `${problem.message}. Nothing in the file is of Mooring, so it is passed over`,
  }
}
