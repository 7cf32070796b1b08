import { createFakeMesh, fakeWire } from '../../src/drivers/mesh/fake/index.ts'
import { type HostName, hostNames, type MeshWorld, meshContract, v4, v6 } from './mesh.ts'

const wire = fakeWire()
const endpoint = (host: HostName) => `192.0.2.${hostNames.indexOf(host) + 1}:51820`
const meshes = new Map(hostNames.map((host) => [host, createFakeMesh({ wire, endpoint: endpoint(host) })]))
const places = new Map<string, HostName>(hostNames.map((host, index) => [`10.15.0.${index + 1}`, host]))
const mesh = (host: HostName) => meshes.get(host) ?? createFakeMesh({ wire, endpoint: endpoint(host) })

const world: MeshWorld = {
  ...{ kind: 'wireguard', wireMtu: 1500, mesh, endpoint },
  async place(number, host) {
    for (const address of [v4(number), v6(number)]) places.set(address, host)
  },
  async take(number) {
    for (const address of [v4(number), v6(number)]) places.delete(address)
  },
  async reaches(host, { from, to }) {
    const there = places.get(to)
    return there !== undefined && there !== host && mesh(host).sends(from, to) && mesh(there).sends(to, from)
  },
  breakLink: async (host) => mesh(host).breakLink(),
}
meshContract('fake', () => world)
