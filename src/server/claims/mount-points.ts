import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { isPublished, kernelPath, prepareTarget, requireNoLink } from './target-path.ts'

/** The paths of this machine where volumes are staged and published. */
export interface MountPoints {
  readonly stagingRoot: string
  /** As in target-path.ts. @throws ApiError */
  prepareTarget(target: string): string
  requireNoLink(target: string): void
  kernelPath(target: string): string
  isPublished(target: string): boolean
  /** The plugin stages only at a folder that is there. */
  makeStaging(path: string): void
  removeStaging(path: string): void
}

/** @param root claims are published beneath it only; undefined: nowhere */
export function createMountPoints(root: string | undefined, stagingRoot: string): MountPoints {
  return {
    stagingRoot,
    prepareTarget: (target) => prepareTarget(root, target),
    requireNoLink,
    kernelPath,
    isPublished,
    makeStaging: (path) => mkdirSync(path, { recursive: true, mode: 0o700 }),
    removeStaging(path) {
      if (existsSync(path)) rmdirSync(path)
    },
  }
}
