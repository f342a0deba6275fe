import Type from 'typebox'
import { type AccessMode, type AttachmentMode, accessModes, attachmentModes } from '../../wire/volume.ts'
import { readCapabilities } from '../acl/needs.ts'
import { endClaim, takeClaim } from '../claims/claims.ts'
import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import { type BodyReader, type Resource, takesBody } from '../http/api.ts'
import { readBody } from '../http/decode.ts'
import { parseNamespace } from '../http/read-options.ts'
import type { ClaimRecord } from '../state/records.ts'

export const ClaimBody = Type.Object({
  TargetPath: Type.String(),
  ReadOnly: Type.Optional(Type.Boolean()),
  AccessMode: Type.Optional(Type.String()),
  AttachmentMode: Type.Optional(Type.String()),
})

const claimReader: BodyReader<Type.Static<typeof ClaimBody>> = {
  read: (bytes, request) => readBody(ClaimBody, bytes, request),
}

/**
 * Claims, an extension of ours: in Nomad the scheduler takes them. A claim is answered once the volume is
 * published, and lasts until it is deleted.
 */
export function claimRoutes(context: ServerContext): Resource[] {
  const { state, mounts } = context
  return [
    {
      path: '/v1/claims',
      GET: ({ query, access }) => {
        const namespace = parseNamespace(query)
        const target = query.get('target_path')
        return {
          body: state.csi_claims
            .list()
            .filter((claim) => namespace === '*' || claim.namespace === namespace)
            .filter((claim) => access.allows(claim.namespace, ...readCapabilities))
            .filter((claim) => target === null || claim.targetPath === mounts.kernelPath(target))
            .map(presentClaim),
          index: state.index('csi_claims'),
        }
      },
    },
    {
      path: '/v1/volume/csi/:id/claim',
      PUT: takesBody(claimReader, async ({ params: { id = '' }, query }, given) => {
        const claim = await takeClaim(context, {
          namespace: parseNamespace(query),
          volumeID: id,
          mode: given.ReadOnly ? 'read' : 'write',
          targetPath: given.TargetPath,
          accessMode: oneOf<AccessMode>('access', given.AccessMode, accessModes),
          attachmentMode: oneOf<AttachmentMode>('attachment', given.AttachmentMode, attachmentModes),
        })
        return { body: presentClaim(claim), index: state.index('csi_claims') }
      }),
    },
    {
      path: '/v1/volume/csi/:id/claim/:claim',
      DELETE: async ({ params: { id = '', claim = '' }, query }) => {
        await endClaim(context, parseNamespace(query), id, claim)
        return { index: state.index('csi_claims') }
      },
    },
  ]
}

function oneOf<Mode extends string>(
  which: string,
  text: string | undefined,
  modes: readonly Mode[],
): Mode | '' {
  if (text === undefined || text === '') return ''
  const mode = modes.find((known) => known === text)
  if (mode === undefined)
    throw badRequest(`unknown volume ${which} mode: "${text}" (one of ${modes.join(', ')})`)
  return mode
}

/** ID is that of the allocation which stands for the claim. */
const presentClaim = (claim: ClaimRecord) => ({
  ID: claim.id,
  Namespace: claim.namespace,
  VolumeID: claim.volumeID,
  NodeID: claim.nodeID,
  ReadOnly: claim.mode === 'read',
  AccessMode: claim.accessMode,
  AttachmentMode: claim.attachmentMode,
  TargetPath: claim.targetPath,
  ClientStatus: claim.clientStatus,
  ClientDescription: claim.clientDescription,
})
