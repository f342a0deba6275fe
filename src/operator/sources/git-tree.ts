import type { GitRepository } from './git-repository.ts'
import { compare, isDeclarationFile, isHidden } from './scan-files.ts'

/** A file of a commit that may contain declarations. */
export interface TreeFile {
  /** The path beneath the folder of the source. Empty where the source is this file. */
  readonly file: string
  readonly objectID: string
  readonly sizeBytes: number
}

export interface TreeScan {
  /** Sorted by `file`. */
  readonly files: readonly TreeFile[]
  /** Links, submodules and names that were not followed, although a person may want them to be. */
  readonly unfollowed: readonly { readonly file: string; readonly message: string }[]
}

const isVisible = (path: string) => !path.split('/').some(isHidden)

/**
 * Finds the files beneath a path of a commit, like scanFiles in a folder. Git follows links within the repository, never out
 * of it. Nothing is read twice.
 * @returns undefined where the commit has no such path
 */
export async function scanTree(
  repository: GitRepository,
  commit: string,
  root: string,
  signal: AbortSignal,
): Promise<TreeScan | undefined> {
  const [found] = await repository.resolve(commit, [root], signal)
  if (found === undefined) return undefined
  if (found.kind === 'file') return { files: [{ file: '', ...found }], unfollowed: [] }
  const files: TreeFile[] = []
  const unfollowed: { file: string; message: string }[] = []
  const entered = new Set([found.objectID])
  const read = new Set<string>()

  async function enter(treeID: string, prefix: string): Promise<void> {
    const entries = (await repository.list(treeID, signal))
      .filter(({ path }) => isVisible(path))
      .map((entry) => ({ ...entry, file: prefix === '' ? entry.path : `${prefix}/${entry.path}` }))
    // A link may lead to a folder that was entered already, even to one around it. That is not entered again.
    const passed =
      prefix === '' ? [] : entries.filter((each) => each.kind === 'folder' && entered.has(each.objectID))
    const isPassed = (file: string) => passed.some((folder) => file.startsWith(`${folder.file}/`))
    const fresh = entries.filter(({ file }) => !isPassed(file))
    for (const { kind, objectID, file, sizeBytes, misnamed } of fresh) {
      if (misnamed !== undefined) {
        if (kind === 'folder' || isDeclarationFile(file))
          unfollowed.push({ file, message: `is named ${misnamed}, which is not UTF-8: rename it` })
        continue
      }
      if (kind === 'folder') entered.add(objectID)
      if (kind === 'submodule') unfollowed.push({ file, message: 'is a submodule, which is not read' })
      if (kind !== 'file' || !isDeclarationFile(file)) continue
      if (prefix !== '' && read.has(objectID)) continue
      read.add(objectID)
      files.push({ file, objectID, sizeBytes })
    }
    const links = fresh.filter(({ kind, misnamed }) => kind === 'link' && misnamed === undefined)
    const paths = links.map(({ file }) => (root === '' ? file : `${root}/${file}`))
    const targets = await repository.resolve(commit, paths, signal)
    for (const [index, { file }] of links.entries()) {
      const target = targets[index]
      if (target === undefined) {
        unfollowed.push({ file, message: 'is a link that leads out of the repository, or to nothing' })
      } else if (target.kind === 'folder' && !entered.has(target.objectID)) {
        entered.add(target.objectID)
        await enter(target.objectID, file)
      } else if (target.kind === 'file' && isDeclarationFile(file) && !read.has(target.objectID)) {
        read.add(target.objectID)
        files.push({ file, objectID: target.objectID, sizeBytes: target.sizeBytes })
      }
    }
  }

  await enter(found.objectID, '')
  files.sort((a, b) => compare(a.file, b.file))
  return { files, unfollowed }
}
