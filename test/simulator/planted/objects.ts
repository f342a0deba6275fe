import type { PlantedFault } from '../planted-faults.ts'

const syncFile = 'operator/kubernetes/object-sync.ts'
const writerFile = 'operator/kubernetes/object-writer.ts'
const sourceFile = 'operator/sources/kubernetes.ts'
const endsFile = 'operator/desired/object-ends.ts'
const reflectorFile = 'kube/reflector.ts'

const faults: readonly PlantedFault[] = [
  {
    name: 'the finalizer is written after the create',
    file: syncFile,
    text: 'await inTurn(uid, () => writer.addFinalizer(view.object))\n      return await run()',
    replacement:
      'const made = await run()\n      await inTurn(uid, () => writer.addFinalizer(view.object))\n      return made',
  },
  {
    name: 'the finalizer is taken off before the delete is done',
    file: 'operator/kubernetes/finalizer.ts',
    text: "return hasFinalizer && records.length === 0 ? 'remove' : 'leave'",
    replacement: "return hasFinalizer ? 'remove' : 'leave'",
  },
  {
    name: 'what is listed anew after an expired watch counts as gone until it is listed',
    needs: [/"compacted"/],
    file: reflectorFile,
    text: "if (met.code === 410 || met.reason === 'UnreadableAnswer') version = undefined",
    replacement:
      'if (met.code === 410) {\n      version = undefined\n      onList([])\n      return delay(clock, 1000, closing.signal)\n    }',
  },
  {
    name: 'an old list of a cache is believed',
    needs: [/"behind"/],
    file: 'kube/client.ts',
    text: "const info: RequestInfo = { verb: 'list', resource, namespace: options.namespace }",
    replacement:
      "const info: RequestInfo = { verb: 'list', resource, namespace: options.namespace }\n      query.set('resourceVersion', '0')",
    notFound:
      'the watch that begins at the old version catches up before anybody acts: a new leader waits for the Lease, and after an expired watch everything is in doubt until the next one is open',
  },
  {
    name: 'a watch that broke begins anew with what is there, and misses what went',
    needs: [/"(away|cut off)"|lostNotices/],
    file: reflectorFile,
    text: 'await watch(version)',
    replacement: "await watch(failures > 0 ? '' : version)",
  },
  {
    name: 'a watch that fell silent is never opened again',
    needs: [/"away"|lostNotices/],
    file: reflectorFile,
    text: 'isSilent = true\n        stop()',
    replacement: 'isSilent = true',
  },
  {
    name: 'objects that are not listed, or not watched, count as gone',
    file: sourceFile,
    text: 'doubts: complete ? [] : [unlisted],',
    replacement: 'doubts: [],',
  },
  {
    name: 'an object that is gone without a deletion ends by its policy',
    needs: [/"(let go|replaced)"/],
    file: endsFile,
    text: "return { state: 'ending', declaration: retained(declaration) }",
    replacement: "return { state: 'ending', declaration }",
  },
  {
    name: 'the volumes of a namespace that is deleted go with it, unconfirmed',
    needs: [/"delete namespace"/],
    file: endsFile,
    text: 'if (end.goesWith !== undefined) {',
    replacement: 'if (false) {',
  },
  {
    name: 'release=retain is ignored',
    needs: [/"released"/],
    file: endsFile,
    text: "if (end.isReleased) return { state: 'ending', declaration: retained(end.declaration ?? record.declaration) }",
    replacement: '',
  },
  {
    name: 'the end of a second object for a volume ends it',
    needs: [/"duplicate"/],
    file: 'operator/desired/decide.ts',
    text: 'const own = declarations.filter((declaration) => owners.get(keyOf(declaration)) === declaration)',
    replacement: 'const own = declarations',
    notFound: 'no finalizer holds a second object, so it is gone at once, and nobody ever sees it end',
  },
  {
    name: 'a status is written without the UID of its object',
    needs: [/"(replaced|let go)"/],
    file: writerFile,
    text: '...(metadata.uid === undefined ? {} : { uid: metadata.uid }),',
    replacement: '',
  },
  {
    name: 'another object of the same name counts as the same',
    needs: [/"(replaced|let go)"/],
    file: writerFile,
    text: 'return found?.metadata.uid === uid ? found : undefined',
    replacement: 'return found',
    also: [
      {
        file: writerFile,
        text: 'if (found === undefined || found.metadata.uid !== object.metadata.uid) return undefined',
        replacement: 'if (found === undefined) return undefined',
      },
    ],
  },
  {
    name: 'a finalizer is written without the version that it was decided by',
    needs: [/"(replaced|let go)"/],
    file: writerFile,
    text: 'addressOf(object), { resourceVersion, finalizers })',
    replacement: 'addressOf(object), { finalizers })',
  },
  {
    name: 'a status is written though nothing in it differs',
    file: writerFile,
    text: 'if (status === undefined || isDeepStrictEqual(before, status)) return',
    replacement: 'if (status === undefined) return',
  },
  {
    name: 'a change of an object wakes nobody',
    file: sourceFile,
    text: '(mine ? relevantState(object) : undefined) !== seen.get(',
    replacement: 'false && seen.get(',
  },
]

export const objects: readonly PlantedFault[] = faults.map((fault) => ({ ...fault, source: 'kubernetes' }))
