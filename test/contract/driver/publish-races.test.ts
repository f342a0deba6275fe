import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FileOperations, systemFileOperations } from '../../../src/driver/file-operations.ts'
import { readMountTable } from '../../../src/driver/mount-table.ts'
import { ToolError } from '../../../src/driver/run-tool.ts'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'
import { canMount, mountPointsBelow, runQuietly } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let failing: string | undefined

/** A machine on which one tool fails once it is told to. */
const files: FileOperations = {
  ...systemFileOperations,
  run(tool, args, signal) {
    if (tool === failing) throw new ToolError(`${tool}: Input/output error`)
    return systemFileOperations.run(tool, args, signal)
  },
}
const target = () => join(directory.path, 'targets', 'target')
const staged = (volumeId: string) => ({
  volumeId,
  stagingTargetPath: '/staging/of/nobody',
  volumeCapability: mountCapability,
})
const publish = (volumeId: string, targetPath = target()) =>
  driver.client.nodePublishVolume({ ...staged(volumeId), targetPath })
const mountsAtTarget = () => readMountTable().filter(({ mountPoint }) => mountPoint === target())

describe.skipIf(!canMount)('publishing by mounts', () => {
  beforeEach(async () => {
    directory = await temporaryDirectory()
    failing = undefined
    await mkdir(join(directory.path, 'targets'))
    driver = await runDriver(directory.path, { files })
    for (const name of ['one', 'two']) {
      await driver.client.createVolume({ name, volumeCapabilities: [mountCapability] })
      await driver.client.nodeStageVolume(staged(name))
    }
  })
  afterEach(async () => {
    await driver.close()
    for (const mountPoint of mountPointsBelow(directory.path)) runQuietly('umount', mountPoint)
    await directory.remove()
  })

  test('of two volumes at once at one target, however it is spelled, one comes and the other is refused', async () => {
    const outcomes = await Promise.allSettled([
      publish('one'),
      publish('two', join(directory.path, 'targets', '.', 'target/').replace('/target/', '//target/')),
    ])
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refusals).toHaveLength(1)
    expect([status.ABORTED, status.FAILED_PRECONDITION]).toContain(refusals[0]?.reason.code)
    expect(mountsAtTarget()).toHaveLength(1)
  })

  test('a repeated publish that fails leaves the workload what it has', async () => {
    await publish('one')
    await writeFile(join(target(), 'file'), 'in use')
    failing = 'mount'
    await expect(publish('one')).rejects.toMatchObject({ code: status.INTERNAL })
    expect(mountsAtTarget()).toHaveLength(1)
    failing = undefined
    await publish('one')
  })
})
