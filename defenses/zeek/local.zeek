##! Modbus and ARP in one cell: who may talk to controllers, who may write, who claims which address.
##!
##!   zeek -r span-cell.pcapng local.zeek        offline: notice.log with the time of the packets
##!   zeek -i span0 local.zeek                   beside a live plant
##!
##! The address sets are those of the bottling cell. For another plant, `redef` them.

@load base/frameworks/notice
@load base/frameworks/sumstats
@load base/protocols/modbus

module Range;

export {
	redef enum Notice::Type += {
		## A host that is no client of controllers opens a connection to one.
		Modbus_Rogue_Master,
		## A host that may not write to controllers does.
		Modbus_Unauthorized_Write,
		## A host that may not read from controllers does.
		Modbus_Unauthorized_Read,
		## A host that is not the engineering workstation asks a controller what it is.
		Modbus_Device_Identification,
		## A host that is not the engineering workstation opens an engineering session (function 90).
		Modbus_Engineering_Session,
		## Many refusals in a row: somebody tries what there is.
		Modbus_Exceptions,
		## More writes in a minute than people make.
		Modbus_Write_Burst,
		## A host tries many services in a minute.
		TCP_Scan,
		## A host asks for many addresses in a minute.
		ARP_Sweep,
		## Somebody else claims an address.
		ARP_Binding_Changed,
	};

	## Controllers.
	option controllers: set[addr] = { 10.20.1.11, 10.20.1.12, 10.20.1.13, 10.20.1.14 };
	## Who may read from controllers, and who may write to them.
	option readers: set[addr] = { 10.20.1.21, 10.20.1.31, 10.20.1.41 };
	option writers: set[addr] = { 10.20.1.21, 10.20.1.41 };
	## The engineering workstation.
	option workstations: set[addr] = { 10.20.1.41 };
	## Function codes that change something, and that read.
	option write_functions: set[count] = { 5, 6, 15, 16, 21, 22, 23 };
	option read_functions: set[count] = { 1, 2, 3, 4, 20, 24 };
	option identify_functions: set[count] = { 17, 43 };
	option engineering_functions: set[count] = { 90 };
	## The same about the same hosts is told once in this time.
	option hold_off = 10mins;
	## The same, where something is changed: a longer one would hide the second command behind the first.
	option write_hold_off = 1min;
	## So many within a minute are too many.
	option scan_threshold = 5.0;
	option sweep_threshold = 10.0;
	option exception_threshold = 5.0;
	option burst_threshold = 30.0;
}

## Which hardware address claims which address. The first claim is believed.
global bindings: table[addr] of string;

function about(note: Notice::Type, c: connection, msg: string, hold: interval)
	{
	NOTICE([$note=note, $conn=c, $msg=msg, $identifier=cat(c$id$orig_h, c$id$resp_h), $suppress_for=hold]);
	}

function observe(stream: string, host: addr, what: string)
	{
	SumStats::observe(stream, SumStats::Key($host=host), SumStats::Observation($str=what));
	}

function crossed(note: Notice::Type, host: addr, text: string)
	{
	NOTICE([$note=note, $src=host, $msg=fmt("%s %s", host, text), $identifier=cat(host), $suppress_for=hold_off]);
	}

event zeek_init()
	{
	local scan = SumStats::Reducer($stream="range.scan", $apply=set(SumStats::UNIQUE));
	SumStats::create([$name="range.scan", $epoch=1min, $reducers=set(scan), $threshold=scan_threshold,
	                  $threshold_val(key: SumStats::Key, result: SumStats::Result) =
	                  	{ return result["range.scan"]$unique + 0.0; },
	                  $threshold_crossed(key: SumStats::Key, result: SumStats::Result) =
	                  	{ crossed(TCP_Scan, key$host, "tries many services"); }]);

	local sweep = SumStats::Reducer($stream="range.sweep", $apply=set(SumStats::UNIQUE));
	SumStats::create([$name="range.sweep", $epoch=1min, $reducers=set(sweep), $threshold=sweep_threshold,
	                  $threshold_val(key: SumStats::Key, result: SumStats::Result) =
	                  	{ return result["range.sweep"]$unique + 0.0; },
	                  $threshold_crossed(key: SumStats::Key, result: SumStats::Result) =
	                  	{ crossed(ARP_Sweep, key$host, "asks for many addresses"); }]);

	local refused = SumStats::Reducer($stream="range.refused", $apply=set(SumStats::SUM));
	SumStats::create([$name="range.refused", $epoch=1min, $reducers=set(refused), $threshold=exception_threshold,
	                  $threshold_val(key: SumStats::Key, result: SumStats::Result) =
	                  	{ return result["range.refused"]$sum; },
	                  $threshold_crossed(key: SumStats::Key, result: SumStats::Result) =
	                  	{ crossed(Modbus_Exceptions, key$host, "is refused again and again"); }]);

	local writes = SumStats::Reducer($stream="range.writes", $apply=set(SumStats::SUM));
	SumStats::create([$name="range.writes", $epoch=1min, $reducers=set(writes), $threshold=burst_threshold,
	                  $threshold_val(key: SumStats::Key, result: SumStats::Result) =
	                  	{ return result["range.writes"]$sum; },
	                  $threshold_crossed(key: SumStats::Key, result: SumStats::Result) =
	                  	{ crossed(Modbus_Write_Burst, key$host, "writes in a burst"); }]);
	}

event new_connection(c: connection)
	{
	if ( get_port_transport_proto(c$id$resp_p) != tcp )
		return;

	local known = c$id$orig_h in readers && c$id$resp_p == 502/tcp;
	if ( ! known )
		observe("range.scan", c$id$orig_h, cat(c$id$resp_h, c$id$resp_p));

	if ( c$id$resp_h in controllers && c$id$resp_p == 502/tcp && c$id$orig_h !in readers )
		about(Modbus_Rogue_Master, c, fmt("%s connects to controller %s", c$id$orig_h, c$id$resp_h), hold_off);
	}

event modbus_message(c: connection, headers: ModbusHeaders, is_orig: bool)
	{
	if ( ! is_orig )
		return;

	local client = c$id$orig_h;
	local f = headers$function_code;

	if ( f in write_functions )
		{
		observe("range.writes", client, "");
		if ( client !in writers )
			about(Modbus_Unauthorized_Write, c, fmt("%s writes to %s (%s)", client, c$id$resp_h,
			    Modbus::function_codes[f]), write_hold_off);
		}
	else if ( f in read_functions && client !in readers )
		about(Modbus_Unauthorized_Read, c, fmt("%s reads from %s", client, c$id$resp_h), hold_off);
	else if ( f in identify_functions && client !in workstations )
		about(Modbus_Device_Identification, c, fmt("%s identifies %s", client, c$id$resp_h), hold_off);
	else if ( f in engineering_functions && client !in workstations )
		about(Modbus_Engineering_Session, c, fmt("%s has an engineering session with %s", client, c$id$resp_h),
		    write_hold_off);
	}

event modbus_exception(c: connection, headers: ModbusHeaders, code: count)
	{
	observe("range.refused", c$id$orig_h, "");
	}

function claim(ip: addr, mac: string)
	{
	if ( ip == 0.0.0.0 )
		return;

	if ( ip in bindings && bindings[ip] != mac )
		NOTICE([$note=ARP_Binding_Changed, $src=ip, $msg=fmt("%s is at %s, and was at %s", ip, mac, bindings[ip]),
		        $sub=mac, $identifier=cat(ip, mac), $suppress_for=hold_off]);

	bindings[ip] = mac;
	}

event arp_request(mac_src: string, mac_dst: string, SPA: addr, SHA: string, TPA: addr, THA: string)
	{
	claim(SPA, SHA);
	observe("range.sweep", SPA, cat(TPA));
	}

event arp_reply(mac_src: string, mac_dst: string, SPA: addr, SHA: string, TPA: addr, THA: string)
	{
	claim(SPA, SHA);
	}
