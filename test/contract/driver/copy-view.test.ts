import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { detectCopyView } from '../../../src/driver/copy-view.ts'
import { systemFileOperations } from '../../../src/driver/file-operations.ts'
import { ToolError } from '../../../src/driver/run-tool.ts'
import { mountCapability, runDriver, temporaryDirectory } from '../../support/driver.ts'
import { canMount, runQuietly } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let source: string
let staging: string

beforeEach(async () => {
  directory = await temporaryDirectory()
  source = join(directory.path, 'source')
  staging = join(directory.path, 'staging')
  for (const path of [source, staging, join(source, 'inner'), join(directory.path, 'outside')])
    await mkdir(path)
  await writeFile(join(directory.path, 'outside/secret'), 'secret')
  await symlink(join(directory.path, 'outside'), join(source, 'link'))
})
afterEach(() => directory.remove())

const probe = await temporaryDirectory()
const view = await detectCopyView(systemFileOperations, probe.path)
await probe.remove()
const signal = new AbortController().signal

// It takes root, or user namespaces.
test.skipIf(view.type === 'absent')(
  'no tool follows a link of what it copies, and a copy keeps the link',
  async () => {
    if (view.type === 'absent') return
    const run = (tool: string, ...args: string[]) => view.run({ source, staging }, tool, args, signal)
    await expect(run('cat', join(source, 'link/secret'))).rejects.toThrow(/Too many levels of symbolic links/)
    await symlink(join(directory.path, 'outside'), join(staging, 'link'))
    await expect(run('cp', join(source, 'inner'), '-r', join(staging, 'link/inner'))).rejects.toThrow(
      ToolError,
    )
    await expect(run('touch', join(source, 'file'))).rejects.toThrow(/Read-only/)
    await run('cp', '-a', '--no-target-directory', source, join(staging, 'copy'))
    expect(await readFile(join(staging, 'copy/link/secret'), 'utf8')).toBe('secret')
  },
)

// Mounts take root.
test.skipIf(!canMount)('what is mounted in a volume is not part of its copy', async () => {
  if (view.type === 'absent') return
  runQuietly('mount', '-t', 'tmpfs', 'tmpfs', join(source, 'inner'))
  await writeFile(join(source, 'inner/file'), 'of another file system')
  const listed = await view.run({ source, staging }, 'ls', [join(source, 'inner')], signal)
  runQuietly('umount', join(source, 'inner'))
  expect(listed).toBe('')
})

test('where there is no such view, a volume that somebody writes to is not copied, not even live', async () => {
  const files = {
    ...systemFileOperations,
    run: async (tool: string, args: readonly string[], abort?: AbortSignal) => {
      if (tool === 'unshare') throw new ToolError('unshare: Operation not permitted')
      return systemFileOperations.run(tool, args, abort)
    },
  }
  const { client, close } = await runDriver(directory.path, { publish: 'symlink', files })
  await client.createVolume({ name: 'data', volumeCapabilities: [mountCapability] })
  const staged = { volumeId: 'data', stagingTargetPath: '/staging', volumeCapability: mountCapability }
  await client.nodeStageVolume(staged)
  const take = () =>
    client.createSnapshot({ name: 's', sourceVolumeId: 'data', parameters: { live: 'allow' } })
  await client.nodePublishVolume({ ...staged, targetPath: join(directory.path, 'target') })
  await expect(take()).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: expect.stringMatching(/Operation not permitted.*Unpublish it first/),
  })
  await client.nodeUnpublishVolume({ volumeId: 'data', targetPath: join(directory.path, 'target') })
  expect((await take()).snapshot?.readyToUse).toBe(true)
  await close()
})
