/** One entry of the folder. A link leads to another folder of the machine. */
type Entry = { readonly text: Buffer; readonly inode: number; readonly changedAtMs: number }

/** Whoever reads the folder wants to know of changes, sooner or later. */
type Listener = () => void

export const rootPath = '/srv/declarations'

/**
 * The folder of declarations on the operator's machine. It can disappear as a whole, or be another one for a while,
 * as folders do that are mounted.
 */
export function createFolder(nowMs: () => number) {
  let files = new Map<string, Entry>()
  let aside: Map<string, Entry> | undefined
  let state: 'there' | 'gone' | 'unreadable' = 'there'
  let device = 1
  let serial = 100
  let rootChangedAtMs = 0
  const listeners = new Set<Listener>()

  function changed() {
    rootChangedAtMs = nowMs()
    for (const listener of [...listeners]) listener()
  }

  return {
    get state() {
      return state
    },
    get device() {
      return device
    },
    get rootChangedAtMs() {
      return rootChangedAtMs
    },
    files: () => files,
    write(name: string, text: string) {
      serial += 1
      files.set(name, {
        text: Buffer.from(text),
        inode: files.get(name)?.inode ?? serial,
        changedAtMs: nowMs(),
      })
      changed()
    },
    remove(name: string) {
      files.delete(name)
      changed()
    },
    rename(from: string, to: string) {
      const entry = files.get(from)
      if (entry === undefined) return
      files.delete(from)
      files.set(to, entry)
      changed()
    },
    setState(to: typeof state) {
      state = to
      changed()
    },
    /** The file system is unmounted: what is left is the empty folder beneath it. */
    unmount() {
      if (aside !== undefined) return
      aside = files
      files = new Map()
      device = 2
      changed()
    },
    mount() {
      if (aside === undefined) return
      files = aside
      aside = undefined
      device = 1
      changed()
    },
    isMounted: () => aside === undefined,
    onChange(listener: Listener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export type Folder = ReturnType<typeof createFolder>
