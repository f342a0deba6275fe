import type { ServerContext } from '../context.ts'
import type { Resource } from '../http/api.ts'
import { hostStats } from '../node/host-stats.ts'

/**
 * The release of Nomad whose API this is: what clients that look at versions go by. What differs from it is
 * in the documentation's table of decisions.
 */
const nomadVersion = '2.0.6'

/** The command's own address that Nomad's clients put together from these. Nothing listens there. */
const rpcPort = 4647

/** What clients ask of an agent on their way to volumes: one server, which leads itself, in one region. */
export function agentRoutes(context: ServerContext): Resource[] {
  const { state, node, aclEnabled, clock, dataDirectory } = context
  const ok = { ok: true, message: 'ok' }
  const member = (host: string | undefined) => ({
    Name: `${node.name}.${node.region}`,
    Addr: hostOf(host),
    Port: 4648,
    Tags: {
      role: 'nomad',
      region: node.region,
      dc: node.datacenter,
      build: nomadVersion,
      id: state.nodeID,
      rpc_addr: hostOf(host),
      port: String(rpcPort),
      expect: '1',
      raft_vsn: '3',
      vsn: '1',
    },
    Status: 'alive',
  })
  return [
    {
      path: '/v1/agent/self',
      GET: ({ headers }) => ({
        body: {
          config: {
            Region: node.region,
            Datacenter: node.datacenter,
            NodeName: node.name,
            Version: { Version: nomadVersion, VersionPrerelease: '', VersionMetadata: 'mooring' },
            ACL: { Enabled: aclEnabled },
            Server: { Enabled: true },
            Client: { Enabled: true },
          },
          member: member(headers.host),
          stats: {
            nomad: {
              server: 'true',
              leader: 'true',
              leader_addr: rpcAddress(headers.host),
              bootstrap: 'true',
              known_regions: '1',
            },
            // nomad check looks whether there are as many peers as it expects: none beside this one.
            raft: { num_peers: '0', state: 'Leader' },
            client: {
              node_id: state.nodeID,
              known_servers: rpcAddress(headers.host),
              num_allocations: String(state.csi_claims.list().length),
            },
          },
        },
      }),
    },
    {
      path: '/v1/agent/health',
      GET: ({ query }) => {
        const type = query.get('type') ?? ''
        return {
          body: {
            ...(type !== 'client' && { server: ok }),
            ...(type !== 'server' && { client: ok }),
          },
        }
      },
    },
    {
      path: '/v1/agent/members',
      GET: ({ headers }) => ({
        body: {
          ServerName: node.name,
          ServerRegion: node.region,
          ServerDC: node.datacenter,
          Members: [member(headers.host)],
        },
      }),
    },
    { path: '/v1/agent/servers', GET: ({ headers }) => ({ body: [rpcAddress(headers.host)] }) },
    { path: '/v1/client/stats', GET: () => ({ body: hostStats(dataDirectory, clock.now()) }) },
    { path: '/v1/client/metadata', GET: () => ({ body: { Dynamic: {}, Meta: {}, Static: {} } }) },
    // Nothing is left to collect: claims end when they are ended, and plugins go with their sockets.
    { path: '/v1/system/gc', PUT: () => ({}) },
    { path: '/v1/system/reconcile/summaries', PUT: () => ({}) },
    { path: '/v1/status/leader', GET: ({ headers }) => ({ body: rpcAddress(headers.host) }) },
    { path: '/v1/status/peers', GET: ({ headers }) => ({ body: [rpcAddress(headers.host)] }) },
    { path: '/v1/regions', GET: () => ({ body: [node.region] }) },
  ]
}

const hostOf = (host: string | undefined) => new URL(`http://${host ?? '127.0.0.1'}`).hostname
/** Clients only look whether there is a leader. */
const rpcAddress = (host: string | undefined) => `${hostOf(host)}:${rpcPort}`
