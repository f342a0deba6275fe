/** The objects of what schedules made, on the double and on any real API server. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isAlreadyExists, type KubernetesApi, type NewObject } from '../../../../src/kube/api.ts'
import { customResourceDefinitions, namespaces, snapshots } from '../../../../src/kube/resources.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import type { ObjectWriter } from '../../../../src/operator/kubernetes/object-writer.ts'
import { createScheduledSnapshots } from '../../../../src/operator/kubernetes/scheduled-snapshots.ts'
import type { Inventory } from '../../../../src/operator/plan/ports.ts'
import { snapshot } from '../../../builders/declarations.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { snapshotRecord } from '../../../builders/records.ts'
import { adjustableClock } from '../../../helpers/adjustable-clock.ts'
import { kubernetesServers, type TestServer } from '../../../helpers/kubernetes-servers.ts'

describe.each(kubernetesServers)("the object of a schedule's snapshot: $title", ({ start }) => {
  let server: TestServer
  let api: KubernetesApi
  const name = `mooring-test-${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    server = await start()
    api = server.connection.api
    const definition = load(readFileSync('manifests/crds/snapshots.yaml', 'utf8')) as NewObject
    await api.create(customResourceDefinitions, definition).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
    await vi.waitFor(() => api.list(snapshots), { timeout: 30_000 })
  })
  afterAll(() => server.close())

  it('is no longer made when its namespace is being deleted, or is gone', async () => {
    await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    const objects = createScheduledSnapshots({
      api,
      writer: {} as ObjectWriter, // Not reached: nothing is written to an object that is not there.
      inventory: {
        // Set where an object was made, with its UID.
        async declare() {
          throw new Error('an object was made')
        },
      } as Partial<Inventory> as Inventory,
      wake() {},
      clock: adjustableClock(),
      log: silentLog,
    })
    const place = objectPlace(`SnapshotSchedule ${name}/nightly`, 'uid-of-nightly')
    const record = snapshotRecord(snapshot('nightly-data-1', 'data', {}, place), {
      schedule: { schedule: 'SnapshotSchedule/default/nightly', isExpired: false },
    } as never)
    await expect(objects.ensure(record)).rejects.toThrow('an object was made')
    await api.delete(namespaces, { name })
    // An API server may learn of it a moment later. What is made until then ends with the namespace.
    await vi.waitFor(() => objects.ensure(record), { timeout: 30_000 })
    if (server.endsNamespaces) {
      await vi.waitFor(async () => expect(await api.get(namespaces, { name })).toBeUndefined(), {
        timeout: 60_000,
      })
      await expect(objects.ensure(record)).resolves.toBeUndefined()
    }
    const never = objectPlace('SnapshotSchedule no-such-namespace/nightly', 'uid-of-nightly')
    await expect(
      objects.ensure({ ...record, declaration: { ...record.declaration, place: never } }),
    ).resolves.toBeUndefined()
  })
})
