import type { PlantedFault } from '../planted-faults.ts'

const createFile = 'server/volumes/create-volume.ts'
const removeFile = 'server/volumes/remove-volume.ts'
const claimsFile = 'server/claims/claims.ts'
const stateFile = 'server/state/state.ts'
const intentOfCreate =
  "if (!isReplay) state.write(({ put }) => put('csi_creates', { definition, startedMs: clock.now() }))"
const sendCreate = 'created = (await client.createVolume(request, call)).volume'

const faults: readonly PlantedFault[] = [
  {
    name: 'the server creates before it stores its intent',
    file: createFile,
    text: intentOfCreate,
    replacement: '',
    also: [{ file: createFile, text: sendCreate, replacement: `${sendCreate}; ${intentOfCreate}` }],
  },
  {
    name: 'the server calls a plugin before its intent is on the disk',
    file: 'server/plugins/registry.ts',
    text: 'if (!changesNothing(path)) await state.durable()',
    replacement: '',
  },
  {
    name: 'the server answers before the write is on the disk',
    file: 'server/http/run-operation.ts',
    text: 'await settled()',
    replacement: '',
  },
  {
    name: 'the server trusts a disk that failed once',
    needs: [/"do":"disk","state":"failing"/, /"isPowerCut":true|"do":"cut power"/],
    file: 'server/state/group-sync.ts',
    text: 'if (failure !== undefined) throw failure',
    replacement: '',
  },
  {
    name: 'the server acts on what its disk did not take',
    needs: [/"do":"disk","state":"failing"/],
    file: 'server/state/group-sync.ts',
    text: '(failure === undefined ? settled() : Promise.reject(failure))',
    replacement: 'settled()',
  },
  {
    name: 'the server takes for durable what a killed process wrote',
    file: stateFile,
    text: '  disk.noteWrite()\n  const tables',
    replacement: '  const tables',
  },
  {
    name: "the server's index is not stored",
    file: stateFile,
    text: 'for (const name of touched) writeIndex.run(name, index)',
    replacement: '',
  },
  {
    name: 'a write of the server wakes no blocking query',
    file: stateFile,
    text: 'for (const changed of new Set(woken)) changed()',
    replacement: '',
  },
  {
    name: 'secrets are stored in the clear',
    file: 'server/state/columns.ts',
    text: 'const [open, sealed] = split(table, row)',
    replacement: 'const [open, sealed] = [row, { secrets: {} } as Sealed]',
  },
  {
    name: 'a delete of the server does not look for claims',
    file: removeFile,
    text: 'requireUnclaimed(volume, claimsOfHandle(state, volume))\n',
    replacement: '',
  },
  {
    name: 'a forced deregister drops living claims',
    file: removeFile,
    text: 'force ? claimsOf(state, volume).filter(isLive) :',
    replacement: 'force ? [] :',
  },
  {
    name: 'a delete that was cut short is forgotten when its repeat fails',
    file: removeFile,
    text: "(asker === 'gone' && error instanceof PluginError && leavesOpen(error, asker))",
    replacement: 'false',
  },
  {
    name: 'a create that was cut short is forgotten when its repeat fails',
    file: 'server/plugins/plugin-failure.ts',
    text: "if (asker === 'told')",
    replacement: 'if (true)',
  },
  {
    name: 'a create whose outcome is unknown is forgotten',
    file: createFile,
    text: 'if (!unsettled) dropIntent()',
    replacement: 'dropIntent()',
  },
  {
    name: 'a create that meets a volume of others is undone by a delete',
    file: createFile,
    text: '  if (holder !== undefined) {\n',
    replacement:
      '  if (holder !== undefined) {\n    await client.deleteVolume({ volumeId: externalID, secrets: {} }, call)\n',
  },
  {
    name: 'a start of the server finishes nothing that was cut short',
    file: 'server/server-api.ts',
    text: 'await replays.startAll(timeoutMs)',
    replacement: '',
  },
  {
    name: 'changes of one volume run at the same time',
    file: 'server/hold-volumes.ts',
    text: 'const outcome = await lock(names, async () => {',
    replacement: 'const outcome = await lock([], async () => {',
  },
  {
    name: 'a claim is taken on a volume whose delete was cut short',
    file: claimsFile,
    text: 'requireNoDelete(context, volume)\n',
    replacement: '',
  },
  {
    name: 'a claim does not look for other claims',
    file: claimsFile,
    text: 'const plan = planClaim(volume, others, request)',
    replacement: 'const plan = planClaim(volume, [], request)',
  },
  {
    name: 'a detach takes a living claim away',
    file: claimsFile,
    text: 'if (living.length > 0) {',
    replacement: 'if (false) {',
  },
  {
    name: 'a claim that was cut short is left as it is',
    file: claimsFile,
    text: "filter(({ clientStatus }) => clientStatus === 'pending')",
    replacement: 'filter(() => false)',
  },
  {
    name: 'the phase of a claim is not stored before its call',
    file: 'server/claims/publish-claim.ts',
    text: "enter({ phase: 'publishing' })",
    replacement: '',
  },
]

export const serverFaults = faults.map((fault): PlantedFault => ({ ...fault, farSide: 'server' }))
