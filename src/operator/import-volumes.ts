import { UsageError } from '../lib/errors.ts'
import type { NomadClient } from '../nomad/client.ts'
import type { VolumeStub } from '../wire/volume.ts'
import type { InventoryContents } from './inventory/memory-inventory.ts'
import { volumeKey } from './plan/identity.ts'
import { firstFree, type ImportedVolume, planImport } from './plan/import-volume.ts'

/**
 * Reads volumes of Nomad as declarations, each under a name of its own.
 * @param options `namespace`: `*` stands for all; `ids`: the volumes; empty: all that are not managed
 * @throws UsageError where Nomad has no such volume
 */
export async function* importVolumes(
  client: Pick<NomadClient, 'listVolumes' | 'readVolume'>,
  options: {
    readonly namespace: string
    readonly ids: readonly string[]
    readonly contents: Pick<InventoryContents, 'managed'>
  },
): AsyncGenerator<ImportedVolume & { readonly id: string; readonly namespace: string }> {
  const { namespace, contents } = options
  const managed = new Set(contents.managed.map(({ key }) => key))
  const { items: listed } = await client.listVolumes(namespace)
  const wanted =
    options.ids.length > 0
      ? options.ids.flatMap((id) => named(listed, id, namespace))
      : listed.filter(({ Namespace, ID }) => !managed.has(volumeKey(Namespace, ID)))
  const names = new Map<string, Set<string>>()
  for (const { Namespace, ID: id } of wanted) {
    const volume = await client.readVolume(Namespace, id)
    if (volume === undefined) throw missing(id, Namespace)
    const imported = planImport(volume)
    // A name has to be the only one of its namespace.
    const taken = names.get(Namespace) ?? new Set()
    names.set(Namespace, taken)
    const name = firstFree(imported.name, taken)
    taken.add(name)
    yield { ...imported, name, id, namespace: Namespace }
  }
}

type Listed = Pick<VolumeStub, 'Namespace' | 'ID'>

/** The listed volumes of an ID: in all namespaces, several may have it. @throws UsageError where none has */
function named(listed: readonly Listed[], id: string, namespace: string): readonly Listed[] {
  const found = listed.filter(({ ID }) => ID === id)
  if (found.length === 0) throw missing(id, namespace)
  return found
}

function missing(id: string, namespace: string): UsageError {
  const place = namespace === '*' ? 'any namespace' : `namespace "${namespace}"`
  return new UsageError(`Nomad has no volume "${id}" in ${place}: write another ID, or give --namespace`)
}
