import { expect, test } from 'vitest'
import {
  mountAt,
  mountOf,
  mountsOn,
  parseMount,
  parseMountTable,
  placeOf,
  viewsOf,
} from '../../../src/driver/mount-table.ts'

/** id, parent, device, root, mount point */
const table = parseMountTable(
  [
    '1 0 8:1 / / rw - ext4 /dev/a rw',
    '2 1 0:5 / /proc rw - proc proc rw',
    '10 1 8:2 / /srv rw - xfs /dev/b rw',
    '11 10 8:3 / /srv/pool rw - xfs /dev/c rw',
    // Hides both of the above.
    '12 10 8:4 / /srv rw - ext4 /dev/d rw',
    '13 12 8:4 /pool/volumes/a /srv/target rw - ext4 /dev/d rw',
    '14 12 8:4 /pool/volumes/gone//deleted /srv/old rw - ext4 /dev/d rw',
    '15 13 0:9 / /srv/target/inner rw - tmpfs tmpfs rw',
    '16 1 8:4 /pool/volumes/a/sub /mnt rw - ext4 /dev/d rw',
  ].join('\n'),
)

test('a line is read with its optional fields and escapes', () => {
  const line = '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue'
  expect(parseMount(line)).toEqual({
    id: 36,
    parentID: 35,
    root: '/mnt1',
    mountPoint: '/mnt 2',
    options: ['rw', 'noatime'],
    fsType: 'ext3',
    device: '98:0',
    superOptions: ['rw', 'errors=continue'],
  })
})

test.each([
  ['a path lies on the nearest mount above it', '/proc/self', 2],
  ['a mount that another one hides is not taken', '/srv/pool/x', 12],
  ['a name that only begins alike is another one', '/srvx', 1],
  ['a mount point lies on what is mounted there', '/srv/target', 13],
])('%s', (_title, path, id) => expect(mountOf(path, table)?.id).toBe(id))

test('only a mount point has a mount of its own', () => {
  expect(mountAt('/srv/target', table)?.id).toBe(13)
  expect(mountAt('/srv/target/x', table)).toBeUndefined()
})

test('one directory is one place, by whatever mount it is reached', () => {
  const place = { device: '8:4', path: '/pool/volumes/a/sub' }
  expect(placeOf('/srv/pool/volumes/a/sub', table)).toEqual(place)
  expect(placeOf('/srv/target/sub', table)).toEqual(place)
  expect(placeOf('/mnt', table)).toEqual(place)
  expect(placeOf('/', table)).toEqual({ device: '8:1', path: '/' })
})

test('what shows a directory or a part of it is found, and what is mounted in it, by whatever name', () => {
  const place = { device: '8:4', path: '/pool/volumes/a' }
  expect(viewsOf(place, table).map(({ id }) => id)).toEqual([13, 16])
  expect(mountsOn(place, table).map(({ id }) => id)).toEqual([15])
})

test('a directory that was deleted while it was mounted is not the one that has its name now', () => {
  expect(viewsOf({ device: '8:4', path: '/pool/volumes/gone' }, table)).toEqual([])
})
