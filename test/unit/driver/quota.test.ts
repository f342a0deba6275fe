import { expect, test } from 'vitest'
import { parseMount } from '../../../src/driver/mount-table.ts'
import { chooseProjectID, detectQuota } from '../../../src/driver/quota.ts'
import { ToolError } from '../../../src/driver/run-tool.ts'
import { describeUnrecorded } from '../../../src/driver/volume-lookup.ts'

const mountedWith = (options: string, mountPoint = '/srv') => [
  parseMount(`2 1 8:1 / ${mountPoint} rw - xfs /dev/sda1 ${options}`),
]

/** Notes what would have been run. */
function createFakeTool(fault?: string) {
  const commands: string[] = []
  const run = async (file: string, args: readonly string[]) => {
    commands.push([file, ...args].join(' '))
    if (fault !== undefined) throw new ToolError(fault)
    return ''
  }
  return { commands, run }
}

test('a directory becomes a project with a limit, and the limit can be changed and taken away', async () => {
  const { commands, run } = createFakeTool()
  const quota = await detectQuota('/srv/pool', mountedWith('rw,prjquota'), { run })
  if (quota.type !== 'enforced') throw new Error(quota.reason)
  await quota.begin('/srv/pool/x', 7, 4096)
  await quota.limit(7, 0)
  expect(commands.slice(1)).toEqual([
    'xfs_quota -f -x -c project -s -p /srv/pool/x 7 /srv',
    'xfs_quota -f -x -c limit -p bhard=4096 7 /srv',
    'xfs_quota -f -x -c limit -p bhard=0 7 /srv',
  ])
})

test.each([
  [
    'the file system has no project quotas',
    '/srv/pool',
    mountedWith('rw'),
    undefined,
    /not mounted with prjquota/,
  ],
  ['the tool is not there', '/srv/pool', mountedWith('rw,prjquota'), 'spawn xfs_quota ENOENT', /ENOENT/],
  ['the path has white space', '/srv/a pool', mountedWith('rw,prjquota'), undefined, /white space/],
  ['nothing is known of the mount', '/srv/pool', [], undefined, /not mounted with prjquota/],
])('nothing is enforced, and it is said why, where %s', async (_title, pool, mounts, fault, reason) => {
  const quota = await detectQuota(pool, mounts, createFakeTool(fault))
  expect(quota).toEqual({ type: 'absent', reason: expect.stringMatching(reason) })
})

test('each volume has a project of its own', () => {
  const volume = describeUnrecorded('a')
  const first = chooseProjectID([volume])
  expect(chooseProjectID([volume, { ...volume, projectID: first }])).toBe(first + 1)
})
