<?php
// An ordinary SOAP toolkit against the simulator, by nothing but the WSDL that the simulator
// serves: PHP's SoapClient. Usage: php soapclient.php http://127.0.0.1:PORT [WSDL]
// Prints one line a step and exits 0 if all is as it should be.

$base = $argv[1];
$wsdl = $argv[2] ?? "$base/pbx10_00.wsdl";
ini_set('soap.wsdl_cache_enabled', '0');
ini_set('default_socket_timeout', '20');

function check(bool $good, string $what, $seen = null): void
{
    if (!$good) {
        fwrite(STDERR, "not ok: $what; seen: " . var_export($seen, true) . "\n");
        exit(1);
    }
    echo "ok: $what\n";
}

function control(string $command): void
{
    global $base;
    $http = ['method' => 'POST', 'header' => 'Content-Type: text/plain', 'content' => $command, 'ignore_errors' => true];
    $said = file_get_contents("$base/control", false, stream_context_create(['http' => $http]));
    check(str_starts_with($said, 'ok'), "control: $command", $said);
}

function client(): SoapClient
{
    global $base, $wsdl;
    return new SoapClient($wsdl, [
        'location' => "$base/PBX0/user.soap",
        'login' => '_TAPI_',
        'password' => 'secret',
        'trace' => true,
        'keep_alive' => true,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    ]);
}

// Users and calls from Polls until `enough` says so of all that came; at most 20 Polls.
function poll_until(SoapClient $pbx, int $session, callable $enough): array
{
    $users = $calls = [];
    for ($polls = 0; $polls < 20; $polls++) {
        $any = $pbx->Poll($session);
        check(is_object($any), 'Poll gives an object', $any);
        $users = array_merge($users, (array) ($any->user ?? []));
        $calls = array_merge($calls, (array) ($any->call ?? []));
        if ($enough($users, $calls)) {
            return [$users, $calls];
        }
    }
    check(false, 'the events expected came', [$users, $calls]);
}

function states(array $calls, int $handle): array
{
    $own = array_filter($calls, fn ($call) => $call->call == $handle);
    return array_values(array_map(fn ($call) => "$call->state $call->msg", $own));
}

function has(array $calls, int $handle, string $state): bool
{
    return in_array($state, states($calls, $handle), true);
}

$pbx = client();
$functions = $pbx->__getFunctions();
check(count($functions) >= 34, 'the WSDL has all operations', count($functions));

$version = $pbx->Version();
check($version['WSDLVersion'] === 501, 'Version: WSDLVersion', $version);
check($version['GatekeeperID'] === 'example', 'Version: GatekeeperID', $version);

$opened = $pbx->Initialize('TAPI', 'php', true, true, true, true, true);
$session = $opened['return'];
check($session > 0 && $opened['key'] > 0, 'Initialize', $opened);
check($pbx->Echo($session, $opened['key']) !== 0, 'Echo knows the session');
check($pbx->Echo($session + 999, 1) === 0, 'Echo knows no other session');

$refused = $pbx->Initialize('Nobody', 'php', true, true, true, true, true);
check($refused['return'] === 0 && $refused['key'] === 0, 'Initialize refuses an unknown user', $refused);

$ended = fn ($users) => end($users)->cn === '';
[$users] = poll_until($pbx, $session, fn ($users) => $users && $ended($users));
$names = array_map(fn ($user) => $user->cn, $users);
check(in_array('Bob & <Sons>', $names, true), 'names with markup come through', $names);
check(in_array('王小明', $names, true), 'names in CJK come through', $names);
check($users[0]->cn === 'TAPI', 'the session user comes first', $users[0]);
$dns = array_map(fn ($user) => $user->dn, $users);
check(in_array('Mia 🦊 Fox', $dns, true), 'an emoji comes through', $dns);

$found = $pbx->FindUser('true', 'true', 'true', 'true', 'Anna Berg', null, null, 1, 0, true);
check($found[0]->e164 === '20', 'FindUser', $found);
$devices = $pbx->Devices($session, 'Jürgen Müller');
check(count($devices) === 2 && $devices[0]->hw === 'jurgen', 'Devices', $devices);

$anna = $pbx->UserInitialize($session, 'Anna Berg', false, false, '');
$bob = $pbx->UserInitialize($session, 'Bob & <Sons>', false, false, '');
check($anna > 0 && $bob > 0 && $anna !== $bob, 'UserInitialize', [$anna, $bob]);
check($pbx->UserInitialize($session, 'Nobody', false, false, '') === 0, 'UserInitialize of nobody');

// Out, to an extension, answered at its phone, held, retrieved, cleared.
$call = $pbx->UserCall($anna, null, '21', null, 0, [], 0, null);
check($call > 0, 'UserCall', $call);
[, $calls] = poll_until($pbx, $session, fn ($u, $calls) => has($calls, $call, '4 r-alert'));
check(states($calls, $call) === ['1 x-setup', '3 r-call-proc', '4 r-alert'], 'the call rings', $calls);
$bobs = array_values(array_filter($calls, fn ($c) => $c->user == $bob));
check($bobs[0]->state === 129 && $bobs[0]->msg === 'r-setup', 'the other end is offered it', $bobs);
$conf = fn ($c) => array_values(array_filter($c->info, fn ($info) => $info->type === 'conf'))[0]->vals;
check($conf($bobs[0]) === $conf($calls[0]), 'both ends have one conf', $calls);
control('answer 21');
poll_until($pbx, $session, fn ($u, $calls) => has($calls, $call, '5 r-conn'));
$pbx->UserHold($call, false);
poll_until($pbx, $session, fn ($u, $calls) => has($calls, $call, '261 update'));
$pbx->UserRetrieve($call);
poll_until($pbx, $session, fn ($u, $calls) => has($calls, $call, '5 update'));
$listed = $pbx->Calls($session, 'Anna Berg');
check(count($listed) === 1 && $listed[0]->state === 5, 'Calls', $listed);
$pbx->UserClear($call, 16, []);
[, $calls] = poll_until($pbx, $session, fn ($u, $calls) => has($calls, $call, '7 del'));
check(states($calls, $call) === ['7 x-rel', '7 del'], 'the call ends', $calls);

// In, over the trunk, answered by UserConnect, cleared by the caller.
control('ring 20 301234567 Ada King');
[, $calls] = poll_until($pbx, $session, fn ($u, $calls) => (bool) array_filter($calls, fn ($c) => $c->state === 132));
$ringing = end($calls);
$peer = array_values(array_filter($ringing->No, fn ($no) => $no->type === 'peer'))[0];
check($peer->e164 === '0301234567' && $peer->dn === 'Ada King', 'the caller is named', $peer);
$pbx->UserConnect($ringing->call);
poll_until($pbx, $session, fn ($u, $calls) => has($calls, $ringing->call, '133 x-conn'));
control('far hangup 20');
[, $calls] = poll_until($pbx, $session, fn ($u, $calls) => has($calls, $ringing->call, '134 del'));
check(states($calls, $ringing->call) === ['134 r-rel', '134 del'], 'the caller clears', $calls);

check($pbx->LocationUrl('true', 'true', 'true', 'true', 'branch', false) === '', 'LocationUrl of an unknown PBX');
check($pbx->UserLocalNum($anna, '21') === '21', 'UserLocalNum');
$destination = $pbx->UserFindDestination($anna, '2', null);
check($destination['return'] === true, 'UserFindDestination of an incomplete number', $destination);
$pbx->UserEnd($anna);
$pbx->End($session);
check($pbx->Echo($session, $opened['key']) === 0, 'the session has ended');
try {
    $pbx->Poll($session);
    check(false, 'Poll of an unknown session is a fault');
} catch (SoapFault $fault) {
    check($fault->getMessage() === 'invalid session', 'Poll of an unknown session is a fault', $fault->getMessage());
}
echo "all as it should be\n";
