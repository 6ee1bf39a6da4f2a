export { clustersOf, identityTroubles } from '../../shared/store-identity.ts';
