import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A second server that speaks MongoDB's protocol, in memory, without TLS and users; see tests/rig/outside.h. */
public final class MongoJava {
    public static void main(String[] words) throws Exception {
        MongoServer server = new MongoServer(new MemoryBackend());
        System.out.println("mongo " + server.bind().getPort());
        System.out.println("ready");
        while (System.in.read() >= 0) { // Ends when its standard input does.
        }
        server.shutdownNow();
    }
}
