import type { IdentityDefinition } from '../csi/generated/csi/v1/Identity.ts'
import type { DriverContext } from './driver-context.ts'
import type { Handlers } from './serve.ts'

/** In domain-name form, as CSI wants it; what plugins call a provider. */
export const driverName = 'directories.mooring.dev'

export function createIdentityHandlers(
  context: DriverContext,
  vendorVersion: string,
): Handlers<IdentityDefinition> {
  const hasTopology = Object.keys(context.topology).length > 0
  return {
    GetPluginInfo: async () => ({ name: driverName, vendorVersion }),
    GetPluginCapabilities: async () => ({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'GROUP_CONTROLLER_SERVICE' } },
        { volumeExpansion: { type: 'ONLINE' } },
        ...(hasTopology ? [{ service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' as const } }] : []),
      ],
    }),
    // The socket opens after the pool was recovered, so whoever can ask finds it ready.
    Probe: async () => ({ ready: { value: true } }),
  }
}
