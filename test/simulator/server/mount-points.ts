import type { MountPoints } from '../../../src/server/claims/mount-points.ts'
import { badRequest } from '../../../src/server/errors.ts'
import type { NodeService } from './csi-plugin.ts'
import { mountRoot } from './requests.ts'

/** The server's mount points on a machine whose kernel is simulated. */
export const createSimulatedMountPoints = (node: NodeService): MountPoints => ({
  stagingRoot: '/staging',
  prepareTarget(target) {
    if (!target.startsWith(`${mountRoot}/`)) throw badRequest(`TargetPath must lie beneath ${mountRoot}`)
    return target
  },
  requireNoLink() {},
  kernelPath: (target) => target,
  isPublished: (target) => node.mounts.has(target),
  makeStaging() {},
  removeStaging() {},
})
