import { dump } from 'js-yaml'
import type { OrphanReport, OrphanRow } from '../../../wire/dashboard/sources.ts'
import type { Volume } from '../../../wire/volume.ts'
import { apiVersion } from '../../declare/document.ts'
import { formatQuantity } from '../../declare/quantities.ts'
import { planImport } from '../../plan/import-volume.ts'
import type { Orphans } from '../../plan/orphans.ts'
import type { Released } from '../../plan/released.ts'
import type { ClusterView } from './cluster-view.ts'
import { given, partsOf, timeOf } from './references.ts'

/** So many declarations are made ready; each asks Nomad for its volume. */
const mostAdopted = 100

/** What nothing declares, in all clusters, with the declaration that would adopt it. */
export async function presentOrphans(views: readonly ClusterView[], nowMs: number): Promise<OrphanReport> {
  const found = await Promise.all(views.map(async (view) => ({ view, orphans: await view.findOrphans() })))
  const rows = await Promise.all(found.map(({ view, orphans }) => rowsOf(view, orphans)))
  return {
    time: timeOf(nowMs),
    rows: rows.flat(),
    unknown: found.flatMap(({ view, orphans }) =>
      orphans.unknown.map((what) => (view.cluster === undefined ? what : `${view.cluster}: ${what}`)),
    ),
  }
}

async function rowsOf(view: ClusterView, { inStorage, inNomad, undeclared }: Orphans): Promise<OrphanRow[]> {
  const cluster = given('cluster', view.cluster)
  const ofNomad = inNomad.map(async ({ namespace, volumeID, pluginID, externalID, released }, index) => ({
    where: 'nomad' as const,
    kind: 'Volume',
    ...cluster,
    ...{ pluginID, externalID, namespace, name: volumeID },
    ...releasedOf(released),
    message: 'Nomad has this volume, and nothing declares it.',
    ...given('adopt', index < mostAdopted ? await adoptionOf(view, namespace, volumeID) : undefined),
  }))
  return [
    ...(await Promise.all(ofNomad)),
    ...inStorage.map(({ kind, pluginID, externalID, sizeBytes, released }) => ({
      where: 'storage' as const,
      kind,
      ...cluster,
      ...{ pluginID, externalID, sizeBytes: Number(sizeBytes) },
      ...releasedOf(released),
      message: `The plugin has this ${kind.toLowerCase()}, and neither Nomad nor a declaration knows it.`,
      adopt: kind === 'Volume' ? volumeText(pluginID, externalID, sizeBytes) : snapshotText(externalID),
    })),
    ...undeclared.map(({ key, pluginID, externalID = '', reason, message }) => ({
      where: 'undeclared' as const,
      ...cluster,
      ...partsOf(key),
      ...{ pluginID, externalID },
      message: `${reason}: ${message}`,
    })),
  ]
}

function releasedOf(released: Released | undefined): Pick<OrphanRow, 'released'> {
  if (released === undefined) return {}
  return { released: { time: timeOf(released.atMs), reason: released.reason, key: released.key } }
}

/** The declaration of a volume as Nomad shows it; undefined: it went, or Nomad does not answer now. */
async function adoptionOf(
  view: ClusterView,
  namespace: string,
  volumeID: string,
): Promise<string | undefined> {
  // What is missing here is only a text to copy: the row itself says what there is.
  const volume = await view.readVolume(namespace, volumeID).catch(() => undefined)
  return volume === undefined ? undefined : importText(volume)
}

function importText(volume: Volume): string {
  const { name, spec, unreadable } = planImport(volume)
  const capacity = spec.capacity as { min?: bigint; max?: bigint } | undefined // As planImport makes it.
  const shown = capacity && {
    ...given('min', capacity.min === undefined ? undefined : formatQuantity(capacity.min)),
    ...given('max', capacity.max === undefined ? undefined : formatQuantity(capacity.max)),
  }
  const document = {
    apiVersion,
    kind: 'Volume',
    metadata: { name },
    spec: { ...spec, ...given('capacity', shown) },
  }
  const notes = unreadable.map(
    (field) => `# Nomad does not show spec.${field}: it stays as it is until you declare it.\n`,
  )
  return `${notes.join('')}${dump(document, { lineWidth: 110, noRefs: true })}`
}

function volumeText(pluginID: string, externalID: string, sizeBytes: number | bigint): string {
  const name = nameFrom(externalID)
  return dump({
    apiVersion,
    kind: 'Volume',
    metadata: { name },
    spec: {
      pluginID,
      externalID,
      ...(BigInt(sizeBytes) > 0n ? { capacity: { min: formatQuantity(BigInt(sizeBytes)) } } : {}),
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
      deletionPolicy: 'Retain',
    },
  })
}

function snapshotText(snapshotID: string): string {
  return dump({
    apiVersion,
    kind: 'Snapshot',
    metadata: { name: nameFrom(snapshotID) },
    spec: { snapshotID, volume: 'NAME-OF-ITS-DECLARED-VOLUME', deletionPolicy: 'Retain' },
  })
}

/** metadata.name from an ID of the provider. */
function nameFrom(id: string): string {
  const name = id
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'volume' : name
}
