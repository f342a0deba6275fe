import { stringifyJSON } from '../../src/lib/json.ts'
import type { ExternalVolume, Volume, VolumeRequest } from '../../src/wire/volume.ts'
import { anExternalVolume, aPluginStub, aVolumeStub } from '../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../builders/observed.ts'
import { type Answer, type FakeServer, startHttpServer } from './http-server.ts'

/** What a volume holds that no read shows. */
interface Hidden {
  secrets: Readonly<Record<string, string>>
  flags: readonly string[]
}

export interface TrappedNomad extends FakeServer {
  readonly volumes: Map<string, Volume>
  readonly hidden: Map<string, Hidden>
  /** The external volumes at the plugin, by ID. */
  readonly disks: Map<string, ExternalVolume>
  readonly namespaces: Set<string>
  /** Reads erase secrets, as before 1.10.7 and 1.11.1. */
  erasesSecrets: boolean
  /** While set, a create is carried out when it resolves, and its client hears nothing of it. */
  losesCreates: Promise<void> | undefined
  /** Requests that write, as `PUT /v1/volume/csi/data/create`. */
  writes(): string[]
  /** The latest volume that a client sent. */
  lastBody(): VolumeRequest
}

/**
 * Nomad with the traps of its Volumes API, over real HTTP (reference, 2): create makes the external volume before
 * it looks for the namespace; an update replaces secrets and mount flags by what the body has; delete calls the
 * plugin before it looks for claims; reads hide, and may erase, what they do not show. It does not block.
 */
export async function startTrappedNomad(): Promise<TrappedNomad> {
  const volumes = new Map<string, Volume>()
  const hidden = new Map<string, Hidden>()
  const disks = new Map<string, ExternalVolume>()
  let serial = 10

  const isInUse = ({ ReadAllocs, WriteAllocs }: Volume) =>
    Object.keys({ ...ReadAllocs, ...WriteAllocs }).length > 0
  const fail = (body: string): Answer => ({ status: 500, body: `rpc error: ${body}` })
  const exact = (body: unknown): Answer => ({ body: stringifyJSON(body) })

  function store(request: VolumeRequest, externalID: string) {
    const existing = volumes.get(request.ID)
    serial += 1
    hidden.set(request.ID, { secrets: request.Secrets ?? {}, flags: request.MountOptions?.MountFlags ?? [] })
    volumes.set(
      request.ID,
      nomadVolume(request.ID, {
        ...existing,
        Namespace: request.Namespace ?? 'default',
        Name: existing?.Name ?? request.Name ?? '',
        PluginID: request.PluginID,
        ExternalID: externalID,
        RequestedCapacityMin: request.RequestedCapacityMin ?? 0,
        Capacity: disks.get(externalID)?.CapacityBytes ?? 0,
        MountOptions: { FSType: request.MountOptions?.FSType ?? '', MountFlags: null },
        Topologies: [null, { Segments: { rack: 'R1' } }],
        ModifyIndex: serial,
      }),
    )
  }

  function create(request: VolumeRequest): Answer {
    const externalID = volumes.get(request.ID)?.ExternalID ?? `disk-of-${request.Name}`
    disks.set(externalID, anExternalVolume(externalID, { CapacityBytes: request.RequestedCapacityMin ?? 0 }))
    if (!nomad.namespaces.has(request.Namespace ?? 'default')) {
      return fail(`volume ${request.ID} is in nonexistent namespace ${request.Namespace}`)
    }
    store(request, externalID)
    return { body: '' }
  }

  function read(volume: Volume): Volume {
    const { flags } = hidden.get(volume.ID) ?? { flags: [] }
    if (nomad.erasesSecrets) hidden.set(volume.ID, { secrets: {}, flags })
    return {
      ...volume,
      Secrets: null,
      MountOptions: { ...volume.MountOptions, MountFlags: flags.length > 0 ? ['[REDACTED]'] : null },
    }
  }

  function remove(volume: Volume | undefined, id: string, destroys: boolean): Answer {
    if (volume === undefined) return fail(`volume not found: ${id}`)
    if (destroys) disks.delete(volume.ExternalID)
    if (isInUse(volume)) return fail(`volume in use: ${id}`)
    volumes.delete(id)
    return { body: '' }
  }

  const bodies: VolumeRequest[] = []
  const server = await startHttpServer(async ({ method, path, query, body }, response) => {
    const namespace = query.get('namespace') ?? 'default'
    const [, , , , id = '', verb] = path.split('/')
    const found = volumes.get(id)
    const volume = found?.Namespace === namespace ? found : undefined
    if (path.startsWith('/v1/volume/csi/')) {
      if (method === 'DELETE') return remove(volume, id, verb === 'delete')
      if (method === 'GET') return volume ? exact(read(volume)) : { status: 404, body: 'volume not found' }
      const [request] = JSON.parse(body).Volumes as [VolumeRequest]
      bodies.push(request)
      if (verb === undefined) {
        store(request, request.ExternalID ?? '')
        return { body: '' }
      }
      const { losesCreates } = nomad
      if (losesCreates === undefined) return create(request)
      losesCreates.then(() => create(request))
      response.socket?.destroy()
      return undefined
    }
    switch (path.split('/')[2]) {
      case 'volumes':
        if (path === '/v1/volumes/external') return exact({ Volumes: [...disks.values()] })
        return path === '/v1/volumes'
          ? exact([...volumes.values()].filter(({ Namespace }) => Namespace === namespace).map(aVolumeStub))
          : exact({ Snapshots: [] })
      case 'plugins':
        return exact([aPluginStub(nomadPlugin('directories'))])
      case 'plugin':
        return exact(nomadPlugin('directories'))
      case 'namespace':
        return nomad.namespaces.has(path.split('/')[3] ?? '')
          ? exact({ Name: path.split('/')[3] })
          : { status: 404, body: 'Namespace not found' }
      default:
        return { status: 404 }
    }
  })

  const nomad: TrappedNomad = {
    ...server,
    volumes,
    hidden,
    disks,
    namespaces: new Set(['default']),
    erasesSecrets: false,
    losesCreates: undefined,
    writes: () =>
      server.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    lastBody() {
      const last = bodies.at(-1)
      if (last === undefined) throw new Error('no client sent a volume')
      return last
    },
  }
  return nomad
}
