import type { NodeDefinition } from '../csi/generated/csi/v1/Node.ts'
import type { DriverContext } from './driver-context.ts'
import type { Handlers } from './serve.ts'

export function createNodeHandlers({ nodeID, topology }: DriverContext): Handlers<NodeDefinition> {
  const hasTopology = Object.keys(topology).length > 0
  return {
    NodeGetInfo: async () => ({
      nodeId: nodeID,
      ...(hasTopology && { accessibleTopology: { segments: { ...topology } } }),
    }),
    NodeGetCapabilities: async () => ({ capabilities: [] }),
  }
}
