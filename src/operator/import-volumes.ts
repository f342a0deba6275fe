import { UsageError } from '../lib/errors.ts'
import type { NomadClient } from '../nomad/client.ts'
import type { InventoryContents } from './inventory/memory-inventory.ts'
import { volumeKey } from './plan/identity.ts'
import { type ImportedVolume, planImport } from './plan/import-volume.ts'

/**
 * Reads volumes of Nomad as declarations, each under a name of its own.
 * @param options `ids`: the volumes; empty: all of the namespace that are not managed
 * @throws UsageError where Nomad has no such volume
 */
export async function* importVolumes(
  client: Pick<NomadClient, 'listVolumes' | 'readVolume'>,
  options: {
    readonly namespace: string
    readonly ids: readonly string[]
    readonly contents: Pick<InventoryContents, 'managed'>
  },
): AsyncGenerator<ImportedVolume & { readonly id: string }> {
  const { namespace, contents } = options
  const managed = new Set(contents.managed.map(({ key }) => key))
  const listed = (await client.listVolumes(namespace)).items.map(({ ID }) => ID)
  const ids =
    options.ids.length > 0 ? options.ids : listed.filter((id) => !managed.has(volumeKey(namespace, id)))
  const names = new Set<string>()
  for (const id of ids) {
    const volume = await client.readVolume(namespace, id)
    if (volume === undefined)
      throw new UsageError(
        `Nomad has no volume "${id}" in namespace "${namespace}": write another ID, or give --namespace`,
      )
    const imported = planImport(volume)
    const name = firstFree(imported.name, names)
    names.add(name)
    yield { ...imported, name, id }
  }
}

/** Two IDs may differ only in what a name cannot hold. */
function firstFree(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}
