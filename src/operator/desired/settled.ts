import { filterInSlices, type Slices } from '../../lib/slices.ts'
import type { Declaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc } from '../plan/per-alloc.ts'
import type { Reading } from './absence.ts'
import type { FileEvidence } from './evidence.ts'
import { fileEvidence } from './judge-removal.ts'

interface Entry {
  readonly key: Key
  readonly declaration: Declaration
  /** Its file; undefined if a reading of that proves nothing. */
  readonly file: SettledFile | undefined
  /** What only one declaration may name. */
  readonly tokens: readonly string[]
  /** The latest reading that had it. */
  seenIn: number
}

/** The settled declarations of one file as it was read. */
interface SettledFile {
  readonly evidence: FileEvidence
  settled: number
  /** The latest reading in which all of its declarations were settled and passed over together. */
  seenIn: number
}

/**
 * Remembers the declarations about which nothing is left to decide: one is the only one of its identity and owns it, no
 * other one names what it names, and its record says all that a reading knows of it. A reading decides about the others
 * alone, which gives the same as deciding about all. These open a settled one again: another declaration in its place,
 * a change of its record or of what surrounds it in its file, and a declaration that names what it names. A file that is
 * settled as a whole and has not changed is passed over as a whole.
 */
export interface Settled {
  /**
   * Finds what a reading has to decide about.
   * @param changed the identities whose records have changed
   * @param tokensOf what only one declaration may name, of an instance or a declaration without perAlloc
   */
  open(
    declarations: readonly Declaration[],
    reading: Reading,
    changed: Iterable<Key>,
    tokensOf: (declaration: Declaration) => readonly string[],
  ): Slices<Opened>
  /** Opens what names the same as `tokens`, too. */
  openSharing(declarations: readonly Declaration[], tokens: Iterable<string>): Slices<Opened>
  settle(declaration: Declaration, reading: Reading, tokens: readonly string[]): void
  has(key: Key): boolean
}

export interface Opened {
  /** In their order. */
  readonly declarations: readonly Declaration[]
  /** The identities that were settled until now. */
  readonly keys: readonly Key[]
}

export function createSettled(): Settled {
  const byDeclaration = new Map<Declaration, Entry>()
  const byKey = new Map<Key, Entry>()
  const byToken = new Map<string, Entry>()
  const files = new Map<FileEvidence, SettledFile>()
  let readings = 0

  function openEntry(entry: Entry | undefined): readonly Key[] {
    if (entry === undefined) return []
    byDeclaration.delete(entry.declaration)
    byKey.delete(entry.key)
    for (const token of entry.tokens) byToken.delete(token)
    const { file } = entry
    if (file !== undefined) {
      file.settled -= 1
      if (file.settled === 0) files.delete(file.evidence)
    }
    return [entry.key]
  }

  const isSeen = ({ seenIn, file }: Entry) => seenIn === readings || file?.seenIn === readings

  /** How many of the declarations from `from` on are all those of a file, and settled. */
  function settledFileAt(
    declarations: readonly Declaration[],
    from: number,
    file: SettledFile | undefined,
  ): number {
    const all = file?.evidence.declarations
    if (file === undefined || all === undefined || file.settled !== all.length) return 0
    return all.every((each, index) => each === declarations[from + index]) ? all.length : 0
  }

  const openIn = (declarations: readonly Declaration[]) =>
    filterInSlices(declarations, (declaration) => !byDeclaration.has(declaration))

  /** Marks those that are still as they were. @returns the others */
  function* passOver(declarations: readonly Declaration[], reading: Reading) {
    const open: Declaration[] = []
    let seen = 0
    for (let index = 0; index < declarations.length; index++) {
      const declaration = declarations[index]
      if (declaration === undefined) continue
      yield
      const entry = byDeclaration.get(declaration)
      if (entry === undefined) {
        open.push(declaration)
        continue
      }
      if (isSeen(entry) || entry.file?.evidence !== fileEvidence(declaration, reading.sources)) continue
      const together = settledFileAt(declarations, index, entry.file)
      if (entry.file !== undefined && together > 0) {
        entry.file.seenIn = readings
        seen += together
        index += together - 1
      } else {
        entry.seenIn = readings
        seen += 1
      }
    }
    return { open, seen }
  }

  return {
    *open(declarations, reading, changed, tokensOf) {
      readings += 1
      const keys = [...changed].flatMap((key) => openEntry(byKey.get(key)))
      const { open, seen } = yield* passOver(declarations, reading)
      let isMore = false
      const openMore = (entry: Entry | undefined) => {
        isMore ||= entry !== undefined
        keys.push(...openEntry(entry))
      }
      if (seen < byKey.size)
        for (const entry of byKey.values()) {
          if (!isSeen(entry)) openMore(entry)
          yield
        }
      for (const declaration of open.flatMap(expandPerAlloc)) {
        yield
        openMore(byKey.get(keyOf(declaration)))
        if (byKey.size > 0) for (const token of tokensOf(declaration)) openMore(byToken.get(token))
      }
      return { declarations: isMore ? yield* openIn(declarations) : open, keys }
    },
    *openSharing(declarations, tokens) {
      const keys = [...tokens].flatMap((token) => openEntry(byToken.get(token)))
      return { declarations: yield* openIn(declarations), keys }
    },
    settle(declaration, reading, tokens) {
      if (tokens.some((token) => byToken.has(token))) return
      const evidence = fileEvidence(declaration, reading.sources)
      const file = evidence && (files.get(evidence) ?? { evidence, settled: 0, seenIn: 0 })
      if (file !== undefined) {
        files.set(file.evidence, file)
        file.settled += 1
      }
      const entry = { key: keyOf(declaration), declaration, file, tokens, seenIn: readings }
      byDeclaration.set(declaration, entry)
      byKey.set(entry.key, entry)
      for (const token of tokens) byToken.set(token, entry)
    },
    has: (key) => byKey.has(key),
  }
}
