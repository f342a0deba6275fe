import { expect, it } from 'vitest'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { createSecretUsers } from '../../../../src/operator/kubernetes/secret-users.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { volume } from '../../../builders/declarations.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { volumeRecord } from '../../../builders/records.ts'

const recordOf = (name: string, secret: string, namespace = 'team-a') =>
  volumeRecord(
    volume(
      name,
      { secrets: { password: { fromSecret: { name: secret, key: 'password' } } } },
      objectPlace(`Volume ${namespace}/${name}`, `uid-of-${name}`),
    ),
  )

it('the users of a Secret are the objects of its namespace that name it, as they come, change and go', async () => {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  await beginRecord(inventory, recordOf('a', 'shared'))
  const users = createSecretUsers(inventory)
  await beginRecord(inventory, recordOf('b', 'shared'))
  await beginRecord(inventory, recordOf('c', 'shared', 'team-b'))
  await beginRecord(inventory, volumeRecord(volume('d')))
  expect(users.of('team-a', 'shared')).toEqual(['Volume/default/a', 'Volume/default/b'])
  expect(users.of('team-b', 'shared')).toEqual(['Volume/default/c'])
  expect(users.of('team-a', 'other')).toEqual([])

  const { key, declaration } = recordOf('a', 'other')
  await inventory.declare({ key, declaration })
  await inventory.delete('Volume/default/b')
  expect([users.of('team-a', 'shared'), users.of('team-a', 'other')]).toEqual([[], ['Volume/default/a']])

  users.close()
  await beginRecord(inventory, recordOf('e', 'shared'))
  expect(users.of('team-a', 'shared')).toEqual([])
})
