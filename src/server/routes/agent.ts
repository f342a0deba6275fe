import type { ServerContext } from '../context.ts'
import type { Resource } from '../http/api.ts'

/**
 * The release of Nomad whose API this is: what clients that look at versions go by. What differs from it is
 * in the documentation's table of decisions.
 */
const nomadVersion = '2.0.6'

/** What clients ask of an agent on their way to volumes: one server, which leads itself, in one region. */
export function agentRoutes({ state, node, aclEnabled }: ServerContext): Resource[] {
  const ok = { ok: true, message: 'ok' }
  const member = (host: string | undefined) => ({
    Name: `${node.name}.${node.region}`,
    Addr: hostOf(host),
    Port: 4648,
    Tags: { role: 'nomad', region: node.region, dc: node.datacenter, build: nomadVersion },
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
            nomad: { server: 'true', leader: 'true', leader_addr: rpcAddress(headers.host) },
            client: { node_id: state.nodeID },
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
    { path: '/v1/status/leader', GET: ({ headers }) => ({ body: rpcAddress(headers.host) }) },
    { path: '/v1/status/peers', GET: ({ headers }) => ({ body: [rpcAddress(headers.host)] }) },
    { path: '/v1/regions', GET: () => ({ body: [node.region] }) },
  ]
}

const hostOf = (host: string | undefined) => new URL(`http://${host ?? '127.0.0.1'}`).hostname
/** Nothing listens there; clients only look whether there is a leader. */
const rpcAddress = (host: string | undefined) => `${hostOf(host)}:4647`
