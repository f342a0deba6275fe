import { type Damage, type Document, identityOf } from './documents.ts'

/**
 * What people want of one identity, whatever Mooring has understood of it:
 * - `declared`: a readable file says so;
 * - `removed`: a person took it out of a readable folder on purpose;
 * - `doubtful`: nobody took it out, and it can no longer be read.
 */
export type WishState = 'declared' | 'removed' | 'doubtful'

export interface Version {
  readonly document: Document
  readonly sinceMs: number
  /** For how long Mooring could have seen it. */
  seenMs: number
}

export interface Wish {
  readonly identity: string
  /** What was written of it, the latest last. Each was in force until the next one. */
  /** The file that declares it, or did last. */
  file: string
  readonly versions: Version[]
  state: WishState
  sinceMs: number
  /** The times for which it was removed; the last one may go on. */
  readonly absences: { readonly sinceMs: number; untilMs: number; seenMs: number }[]
}

/** The files as people mean them. */
interface MeantFile {
  readonly documents: readonly Document[]
  readonly damage: Damage | undefined
}

/** Follows what people mean by what they do to the files. */
export function createWishes(nowMs: () => number) {
  const files = new Map<string, MeantFile>()
  const wishes = new Map<string, Wish>()
  let isReadable = true

  function update() {
    const meant = new Map<string, { file: string; document: Document; isClear: boolean }>()
    for (const [file, { documents, damage }] of files) {
      for (const document of documents) {
        const identity = identityOf(document)
        const before = meant.get(identity)
        // The file that declared it first goes on to. Nothing is said of one that is damaged beside another.
        const isFirst = before === undefined || wishes.get(identity)?.file === file
        const isClear = isReadable && damage === undefined && before?.isClear !== false
        meant.set(identity, isFirst ? { file, document, isClear } : { ...before, isClear })
      }
    }
    for (const [identity, { file, document, isClear }] of meant) {
      const wish = wishes.get(identity) ?? begin(identity)
      const latest = wish.versions.at(-1)
      wish.file = file
      if (isClear && latest?.document !== document) {
        wish.versions.push({ document, sinceMs: nowMs(), seenMs: 0 })
      }
      change(wish, isClear ? 'declared' : 'doubtful')
    }
    for (const wish of wishes.values()) {
      // In a folder that cannot be read, nobody can see what was removed.
      if (!meant.has(wish.identity)) change(wish, isReadable ? 'removed' : 'doubtful')
    }
  }

  function begin(identity: string): Wish {
    const wish: Wish = { identity, file: '', versions: [], state: 'removed', sinceMs: nowMs(), absences: [] }
    wishes.set(identity, wish)
    return wish
  }

  function change(wish: Wish, state: WishState) {
    if (wish.state === state) return
    const absence = wish.absences.at(-1)
    if (wish.state === 'removed' && absence !== undefined) absence.untilMs = nowMs()
    // What was removed before the folder could not be read is so still.
    const isOn = wish.state === 'doubtful' && absence?.untilMs === wish.sinceMs
    if (state === 'removed' && isOn) absence.untilMs = Number.POSITIVE_INFINITY
    else if (state === 'removed') {
      wish.absences.push({ sinceMs: nowMs(), untilMs: Number.POSITIVE_INFINITY, seenMs: 0 })
    }
    wish.state = state
    wish.sinceMs = nowMs()
  }

  return {
    files: files as ReadonlyMap<string, MeantFile>,
    all: wishes as ReadonlyMap<string, Wish>,
    write(file: string, documents: readonly Document[]) {
      files.set(file, { documents, damage: undefined })
      update()
    },
    remove(file: string) {
      files.delete(file)
      update()
    },
    move(from: string, to: string) {
      const meant = files.get(from)
      if (meant === undefined) return
      files.delete(from)
      files.set(to, meant)
      update()
    },
    damage(file: string, damage: Damage | undefined) {
      const meant = files.get(file)
      if (meant !== undefined) files.set(file, { ...meant, damage })
      update()
    },
    /** So much time has passed in which Mooring could see everything. */
    see(ms: number) {
      for (const wish of wishes.values()) {
        const latest = { declared: wish.versions, removed: wish.absences, doubtful: [] }[wish.state].at(-1)
        if (latest !== undefined) latest.seenMs += ms
      }
    },
    setReadable(readable: boolean) {
      isReadable = readable
      update()
    },
  }
}

export type Wishes = ReturnType<typeof createWishes>

/** A reading and a store of what it found are over by then. */
export const settledMs = 200_000

/** The versions that Mooring may act by: the last one that it must have seen, and what came after it. */
export function versionsInForce(wish: Wish): Document[] {
  const settled = wish.versions.findLastIndex(({ seenMs }) => seenMs >= settledMs)
  return wish.versions.slice(Math.max(0, settled)).map(({ document }) => document)
}
