import type { Declaration, Problem } from '../declare/declaration.ts'
import type { OtherDocument } from '../declare/other-document.ts'

/** What one reading of a source proves about its files, beside the declarations that it found. */
export interface Evidence {
  /** When the source was so, on the monotonic clock of this process. */
  readonly monotonicMs: number
  /** The files whose every document was understood. */
  readonly files: ReadonlyMap<string, FileEvidence>
  readonly doubts: readonly Doubt[]
  readonly listing: Listing
}

/** A file whose every document was understood. */
export interface FileEvidence {
  /** How many documents it holds: declarations and others. */
  readonly documents: number
  /** Its declarations in their order; the same array for a file that has not changed. Absent: nobody compares them. */
  readonly declarations?: readonly Declaration[]
  /** What it holds beside declarations. */
  readonly others: readonly OtherDocument[]
  /** The folder that holds it, as `<device> <real path>`. Absent where the source is not a folder. */
  readonly folder?: string
}

/** Something that could not be read or understood. What was declared there still counts as declared. */
export interface Doubt {
  /** A file, or a folder with all beneath it. Empty: the whole source. */
  readonly file: string
  /** What is there now, and what to do about it. */
  readonly problem: Problem
  /** The words of its text, where it has one. A declaration of such a name may have moved here. */
  readonly words?: ReadonlySet<string>
}

/** How the files of a source were found, by which the absence of one is judged. */
export type Listing =
  | {
      readonly type: 'folders'
      /** Every folder that was listed whole, by its path beneath the source. Empty: the source itself. */
      readonly folders: ReadonlyMap<string, FolderEvidence>
      /** The paths of visible things that are neither folders nor files that may contain declarations. */
      readonly passed: ReadonlySet<string>
    }
  | {
      readonly type: 'commit'
      readonly commit: string
      /** Files that the commit deletes, compared with the last commit whose reading was recorded. */
      readonly removed: ReadonlySet<string>
      /** Files that it renames or replaces by something else. */
      readonly changed: ReadonlyMap<string, FileChange>
      /** Files that are not read and that came by a rename, with the words of their text. */
      readonly unread: readonly { readonly path: string; readonly words: ReadonlySet<string> }[]
    }
  /** Objects are not judged by files: see planGoneObject. */
  | { readonly type: 'objects' }

export interface FileChange {
  /** What the commit does, such as `renames a.yaml to b.yaml`. */
  readonly what: string
  /** The file's new path beneath the source, where it has one. */
  readonly to?: string
}

export interface FolderEvidence {
  readonly device: string
  readonly realPath: string
  /** It has no visible entry, as if a mount had gone away. */
  readonly isEmpty: boolean
}

/** The folders around a path, the nearest first, the source itself last. */
export function parentsOf(file: string): string[] {
  const parts = file.split('/').slice(0, -1)
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('/')), '']
}

/** The nearest listed folder around a path; undefined if none was listed. */
export function folderAround(
  file: string,
  folders: ReadonlyMap<string, FolderEvidence>,
): { readonly path: string; readonly folder: FolderEvidence; readonly identity: string } | undefined {
  const around = parentsOf(file)
  const path = around.find((each) => folders.has(each))
  const folder = path === undefined ? undefined : folders.get(path)
  if (path === undefined || folder === undefined) return undefined
  const rest = (around[0]?.slice(path.length) ?? '').replace(/^\//, '')
  const { device, realPath } = folder
  const full = rest === '' ? realPath : `${realPath === '/' ? '' : realPath}/${rest}`
  return { path, folder, identity: `${device} ${full}` }
}

/** Whether a path is the place, or beneath it. The empty place holds every path. */
export function isBeneath(file: string, place: string): boolean {
  return place === '' || file === place || file.startsWith(`${place}/`)
}

/** The words by which a text may name a declaration. */
export function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[\p{L}\p{N}][\p{L}\p{N}._-]*/gu) ?? [])
}

/** The fingerprints to remember of a file; undefined if it holds declarations alone. */
export function fingerprintsOf(others: readonly OtherDocument[]): string | undefined {
  if (others.length === 0) return undefined
  return others.length > mostFingerprints ? '' : others.map(({ fingerprint }) => fingerprint).join(' ')
}

/** Of more than these none is remembered, because a record has to stay small. */
const mostFingerprints = 100
